declare void @"conveyor_product_avx2_f32"(ptr %argument:0, i64 %argument:1, ptr %argument:2, ptr %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6, i64 %".8", i64 %entry:0, i64 %entry:1)

declare void @"conveyor_wait_avx2_f32"(ptr %argument:0, i64 %argument:1)

define void @"before"(ptr %argument:0, ptr %argument:1, ptr %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6)
{
entry:
  ret void
}

define void @"loop"(ptr %argument:0, ptr %argument:1, ptr %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6)
{
entry:
  %entry:0 = getelementptr i64, ptr %argument:0, i64 2
  %entry:1 = load i64, ptr %entry:0
  %entry:2 = getelementptr i64, ptr %argument:0, i64 3
  %entry:3 = load i64, ptr %entry:2
  %entry:4 = getelementptr i64, ptr %argument:0, i64 4
  %entry:5 = load i64, ptr %entry:4
  %entry:6 = getelementptr i64, ptr %argument:2, i64 %entry:1
  %entry:7 = load i64, ptr %entry:6
  %entry:8 = getelementptr i64, ptr %argument:0, i64 0
  %entry:9 = load i64, ptr %entry:8
  %entry:10 = getelementptr ptr, ptr %argument:1, i64 %entry:9
  %entry:11 = load ptr, ptr %entry:10
  %entry:12 = getelementptr i64, ptr %argument:0, i64 1
  %entry:13 = load i64, ptr %entry:12
  %entry:14 = getelementptr i8, ptr %entry:11, i64 %entry:13
  %entry:15 = mul i64 %entry:7, %entry:3
  %entry:16 = getelementptr float, ptr %entry:14, i64 %entry:15
  %entry:17 = getelementptr i64, ptr %argument:0, i64 7
  %entry:18 = load i64, ptr %entry:17
  %entry:19 = getelementptr i64, ptr %argument:0, i64 8
  %entry:20 = load i64, ptr %entry:19
  %entry:21 = getelementptr i64, ptr %argument:0, i64 9
  %entry:22 = load i64, ptr %entry:21
  %entry:23 = getelementptr i64, ptr %argument:2, i64 %entry:18
  %entry:24 = load i64, ptr %entry:23
  %entry:25 = getelementptr i64, ptr %argument:0, i64 5
  %entry:26 = load i64, ptr %entry:25
  %entry:27 = getelementptr ptr, ptr %argument:1, i64 %entry:26
  %entry:28 = load ptr, ptr %entry:27
  %entry:29 = getelementptr i64, ptr %argument:0, i64 6
  %entry:30 = load i64, ptr %entry:29
  %entry:31 = getelementptr i8, ptr %entry:28, i64 %entry:30
  %entry:32 = mul i64 %entry:24, %entry:20
  %entry:33 = getelementptr float, ptr %entry:31, i64 %entry:32
  %entry:34 = getelementptr i64, ptr %argument:0, i64 12
  %entry:35 = load i64, ptr %entry:34
  %entry:36 = getelementptr i64, ptr %argument:0, i64 13
  %entry:37 = load i64, ptr %entry:36
  %entry:38 = getelementptr i64, ptr %argument:0, i64 14
  %entry:39 = load i64, ptr %entry:38
  %entry:40 = getelementptr i64, ptr %argument:2, i64 %entry:35
  %entry:41 = load i64, ptr %entry:40
  %entry:42 = getelementptr i64, ptr %argument:0, i64 10
  %entry:43 = load i64, ptr %entry:42
  %entry:44 = getelementptr ptr, ptr %argument:1, i64 %entry:43
  %entry:45 = load ptr, ptr %entry:44
  %entry:46 = getelementptr i64, ptr %argument:0, i64 11
  %entry:47 = load i64, ptr %entry:46
  %entry:48 = getelementptr i8, ptr %entry:45, i64 %entry:47
  %entry:49 = mul i64 %entry:41, %entry:37
  %entry:50 = getelementptr float, ptr %entry:48, i64 %entry:49
  %entry:51 = getelementptr i64, ptr %argument:0, i64 2
  %entry:52 = load i64, ptr %entry:51
  %entry:53 = getelementptr i64, ptr %argument:0, i64 3
  %entry:54 = load i64, ptr %entry:53
  %entry:55 = getelementptr i64, ptr %argument:0, i64 4
  %entry:56 = load i64, ptr %entry:55
  %entry:57 = getelementptr i64, ptr %argument:2, i64 %entry:52
  %entry:58 = load i64, ptr %entry:57
  %entry:59 = getelementptr i64, ptr %argument:0, i64 0
  %entry:60 = load i64, ptr %entry:59
  %entry:61 = getelementptr ptr, ptr %argument:1, i64 %entry:60
  %entry:62 = load ptr, ptr %entry:61
  %entry:63 = getelementptr i64, ptr %argument:0, i64 1
  %entry:64 = load i64, ptr %entry:63
  %entry:65 = getelementptr i8, ptr %entry:62, i64 %entry:64
  %entry:66 = mul i64 %entry:58, %entry:54
  %entry:67 = getelementptr float, ptr %entry:65, i64 %entry:66
  %entry:68 = getelementptr i64, ptr %argument:0, i64 17
  %entry:69 = load i64, ptr %entry:68
  %entry:70 = getelementptr i64, ptr %argument:0, i64 18
  %entry:71 = load i64, ptr %entry:70
  %entry:72 = getelementptr i64, ptr %argument:0, i64 19
  %entry:73 = load i64, ptr %entry:72
  %entry:74 = getelementptr i64, ptr %argument:2, i64 %entry:69
  %entry:74 = load i64, ptr %entry:74
  %entry:76 = getelementptr i64, ptr %argument:0, i64 15
  %entry:77 = load i64, ptr %entry:76
  %entry:78 = getelementptr ptr, ptr %argument:1, i64 %entry:77
  %entry.endif:0 = load ptr, ptr %entry:78
  %entry.endif:1 = getelementptr i64, ptr %argument:0, i64 16
  %entry.endif:2 = load i64, ptr %entry.endif:1
  %entry.endif:3 = getelementptr i8, ptr %entry.endif:0, i64 %entry.endif:2
  %entry.endif:4 = mul i64 %entry:74, %entry:71
  %entry.endif:5 = getelementptr float, ptr %entry.endif:3, i64 %entry.endif:4
  %entry.endif:6 = getelementptr i64, ptr %argument:0, i64 22
  %entry.endif:7 = load i64, ptr %entry.endif:6
  %entry.endif:8 = getelementptr i64, ptr %argument:0, i64 23
  %entry.endif:9 = load i64, ptr %entry.endif:8
  %entry.endif:10 = getelementptr i64, ptr %argument:0, i64 24
  %entry.endif:11 = load i64, ptr %entry.endif:10
  %entry.endif:12 = getelementptr i64, ptr %argument:2, i64 %entry.endif:7
  %entry.endif:13 = load i64, ptr %entry.endif:12
  %entry.endif:14 = getelementptr i64, ptr %argument:0, i64 20
  %entry.endif:15 = load i64, ptr %entry.endif:14
  %entry.endif:16 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:15
  %entry.endif:17 = load ptr, ptr %entry.endif:16
  %entry.endif:18 = getelementptr i64, ptr %argument:0, i64 21
  %entry.endif:19 = load i64, ptr %entry.endif:18
  %entry.endif:20 = getelementptr i8, ptr %entry.endif:17, i64 %entry.endif:19
  %entry.endif:21 = mul i64 %entry.endif:13, %entry.endif:9
  %entry.endif:22 = getelementptr float, ptr %entry.endif:20, i64 %entry.endif:21
  %entry.endif:23 = getelementptr i64, ptr %argument:0, i64 27
  %entry.endif:24 = load i64, ptr %entry.endif:23
  %entry.endif:25 = getelementptr i64, ptr %argument:0, i64 28
  %entry.endif:26 = load i64, ptr %entry.endif:25
  %entry.endif:27 = getelementptr i64, ptr %argument:0, i64 29
  %entry.endif:28 = load i64, ptr %entry.endif:27
  %entry.endif:29 = getelementptr i64, ptr %argument:2, i64 %entry.endif:24
  %entry.endif:30 = load i64, ptr %entry.endif:29
  %entry.endif:31 = getelementptr i64, ptr %argument:0, i64 25
  %entry.endif:32 = load i64, ptr %entry.endif:31
  %entry.endif:33 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:32
  %entry.endif:34 = load ptr, ptr %entry.endif:33
  %entry.endif:35 = getelementptr i64, ptr %argument:0, i64 26
  %entry.endif:36 = load i64, ptr %entry.endif:35
  %entry.endif:37 = getelementptr i8, ptr %entry.endif:34, i64 %entry.endif:36
  %entry.endif:38 = mul i64 %entry.endif:30, %entry.endif:26
  %entry.endif:39 = getelementptr float, ptr %entry.endif:37, i64 %entry.endif:38
  %entry.endif:40 = getelementptr i64, ptr %argument:0, i64 32
  %entry.endif:41 = load i64, ptr %entry.endif:40
  %entry.endif:42 = getelementptr i64, ptr %argument:0, i64 33
  %entry.endif:43 = load i64, ptr %entry.endif:42
  %entry.endif:44 = getelementptr i64, ptr %argument:0, i64 34
  %entry.endif:45 = load i64, ptr %entry.endif:44
  %entry.endif:46 = getelementptr i64, ptr %argument:2, i64 %entry.endif:41
  %entry.endif:47 = load i64, ptr %entry.endif:46
  %entry.endif:48 = getelementptr i64, ptr %argument:0, i64 30
  %entry.endif:49 = load i64, ptr %entry.endif:48
  %entry.endif:50 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:49
  %entry.endif:51 = load ptr, ptr %entry.endif:50
  %entry.endif:52 = getelementptr i64, ptr %argument:0, i64 31
  %entry.endif:53 = load i64, ptr %entry.endif:52
  %entry.endif:54 = getelementptr i8, ptr %entry.endif:51, i64 %entry.endif:53
  %entry.endif:55 = mul i64 %entry.endif:47, %entry.endif:43
  %entry.endif:56 = getelementptr float, ptr %entry.endif:54, i64 %entry.endif:55
  %entry.endif:57 = getelementptr i64, ptr %argument:0, i64 37
  %entry.endif:58 = load i64, ptr %entry.endif:57
  %entry.endif:59 = getelementptr i64, ptr %argument:0, i64 38
  %entry.endif:60 = load i64, ptr %entry.endif:59
  %entry.endif:61 = getelementptr i64, ptr %argument:0, i64 39
  %entry.endif:62 = load i64, ptr %entry.endif:61
  %entry.endif:63 = getelementptr i64, ptr %argument:2, i64 %entry.endif:58
  %entry.endif:64 = load i64, ptr %entry.endif:63
  %entry.endif:65 = getelementptr i64, ptr %argument:0, i64 35
  %entry:145 = load i64, ptr %entry.endif:65
  %head:0 = getelementptr ptr, ptr %argument:1, i64 %entry:145
  %head:1 = load ptr, ptr %head:0
  %head:2 = getelementptr i64, ptr %argument:0, i64 36
  %entry:149 = load i64, ptr %head:2
  %body:0 = getelementptr i8, ptr %head:1, i64 %entry:149
  %body:1 = mul i64 %entry.endif:64, %entry.endif:60
  %body:2 = getelementptr float, ptr %body:0, i64 %body:1
  %body:3 = getelementptr i64, ptr %argument:0, i64 42
  %body:4 = load i64, ptr %body:3
  %body:5 = getelementptr i64, ptr %argument:0, i64 43
  %entry:156 = load i64, ptr %body:5
  %head.1:0 = getelementptr i64, ptr %argument:0, i64 44
  %head.1:1 = load i64, ptr %head.1:0
  %head.1:2 = getelementptr i64, ptr %argument:2, i64 %body:4
  %entry:160 = load i64, ptr %head.1:2
  %body.1:0 = getelementptr i64, ptr %argument:0, i64 40
  %body.1:1 = load i64, ptr %body.1:0
  %body.1:2 = getelementptr ptr, ptr %argument:1, i64 %body.1:1
  %body.1:3 = load ptr, ptr %body.1:2
  %body.1:4 = getelementptr i64, ptr %argument:0, i64 41
  %body.1:5 = load i64, ptr %body.1:4
  %entry:167 = getelementptr i8, ptr %body.1:3, i64 %body.1:5
  %entry:168 = mul i64 %entry:160, %entry:156
  %after.1:0 = getelementptr float, ptr %entry:167, i64 %entry:168
  %after.1:1 = getelementptr i64, ptr %argument:0, i64 47
  %entry:171 = load i64, ptr %after.1:1
  %after.1.if:0 = getelementptr i64, ptr %argument:0, i64 48
  %after.1.if:1 = load i64, ptr %after.1.if:0
  %after.1.if:2 = getelementptr i64, ptr %argument:0, i64 49
  %after.1.if:3 = load i64, ptr %after.1.if:2
  %after.1.if:4 = getelementptr i64, ptr %argument:2, i64 %entry:171
  %after.1.if:5 = load i64, ptr %after.1.if:4
  %after.1.if:6 = getelementptr i64, ptr %argument:0, i64 45
  %after.1.if:7 = load i64, ptr %after.1.if:6
  %after.1.if:8 = getelementptr ptr, ptr %argument:1, i64 %after.1.if:7
  %entry:181 = load ptr, ptr %after.1.if:8
  %entry:182 = getelementptr i64, ptr %argument:0, i64 46
  %entry:183 = load i64, ptr %entry:182
  %after:0 = getelementptr i8, ptr %entry:181, i64 %entry:183
  %entry:185 = mul i64 %after.1.if:5, %after.1.if:1
  %entry:186 = getelementptr float, ptr %after:0, i64 %entry:185
  %entry:187 = getelementptr i64, ptr %argument:0, i64 52
  %entry:188 = load i64, ptr %entry:187
  %entry:189 = getelementptr i64, ptr %argument:0, i64 53
  %entry:190 = load i64, ptr %entry:189
  %entry:191 = getelementptr i64, ptr %argument:0, i64 54
  %entry:192 = load i64, ptr %entry:191
  %entry:193 = getelementptr i64, ptr %argument:2, i64 %entry:188
  %entry:194 = load i64, ptr %entry:193
  %entry:195 = getelementptr i64, ptr %argument:0, i64 50
  %entry:196 = load i64, ptr %entry:195
  %entry:197 = getelementptr ptr, ptr %argument:1, i64 %entry:196
  %entry:198 = load ptr, ptr %entry:197
  %entry:199 = getelementptr i64, ptr %argument:0, i64 51
  %entry:200 = load i64, ptr %entry:199
  %entry:201 = getelementptr i8, ptr %entry:198, i64 %entry:200
  %entry:202 = mul i64 %entry:194, %entry:190
  %entry:203 = getelementptr float, ptr %entry:201, i64 %entry:202
  %entry:204 = getelementptr i64, ptr %argument:0, i64 57
  %entry:205 = load i64, ptr %entry:204
  %entry:206 = getelementptr i64, ptr %argument:0, i64 58
  %entry:207 = load i64, ptr %entry:206
  %entry:208 = getelementptr i64, ptr %argument:0, i64 59
  %entry:209 = load i64, ptr %entry:208
  %entry:210 = getelementptr i64, ptr %argument:2, i64 %entry:205
  %entry:211 = load i64, ptr %entry:210
  %entry:212 = getelementptr i64, ptr %argument:0, i64 55
  %entry:213 = load i64, ptr %entry:212
  %entry:214 = getelementptr ptr, ptr %argument:1, i64 %entry:213
  %entry:215 = load ptr, ptr %entry:214
  %entry:216 = getelementptr i64, ptr %argument:0, i64 56
  %entry:217 = load i64, ptr %entry:216
  %entry:218 = getelementptr i8, ptr %entry:215, i64 %entry:217
  %entry:219 = mul i64 %entry:211, %entry:207
  %entry:220 = getelementptr float, ptr %entry:218, i64 %entry:219
  %entry:221 = getelementptr i64, ptr %argument:0, i64 60
  %entry:222 = load i64, ptr %entry:221
  %entry:223 = alloca <8 x float>
  %entry:224 = alloca <8 x float>
  br label %"head"
head:
  %head:0 = phi  i64 [%argument:3, %"entry"], [%head:1, %"after.1.endif"]
  %head:1 = add i64 %head:0, 1
  %head:2 = icmp sle i64 %head:1, %argument:4
  br i1 %head:2, label %"body", label %"after"
body:
  %body:0 = mul i64 %head:0, %entry:5
  %body:1 = getelementptr float, ptr %entry:16, i64 %body:0
  %body:2 = mul i64 %head:0, %entry:22
  %body:3 = getelementptr float, ptr %entry:33, i64 %body:2
  %body:4 = load float, ptr %body:1
  %body:5 = insertelement <8 x float> splat(float undef), float %body:4, i32 0
  %body:6 = shufflevector <8 x float> %body:5, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body:7 = fmul <8 x float> splat(float 0x4000000000000000), %body:6
  %body:8 = extractelement <8 x float> %body:7, i32 0
  store float %body:8, ptr %body:3
  %body:9 = mul i64 %head:0, %entry:39
  %body:10 = getelementptr float, ptr %entry:50, i64 %body:9
  %body:11 = mul i64 %head:0, %entry:56
  %body:12 = getelementptr float, ptr %entry:67, i64 %body:11
  %body:13 = mul i64 %head:0, %entry:73
  %body:14 = getelementptr float, ptr %entry.endif:5, i64 %body:13
  %body:15 = mul i64 %head:0, %entry.endif:11
  %body:16 = getelementptr float, ptr %entry.endif:22, i64 %body:15
  %body:17 = mul i64 %head:0, %entry.endif:28
  %body:18 = getelementptr float, ptr %entry.endif:39, i64 %body:17
  %body:19 = mul i64 %head:0, %entry.endif:45
  %body:20 = getelementptr float, ptr %entry.endif:56, i64 %body:19
  %body:21 = mul i64 %head:0, %entry.endif:62
  %body:22 = getelementptr float, ptr %body:2, i64 %body:21
  %body:23 = mul i64 %head:0, %head.1:1
  %body:24 = getelementptr float, ptr %after.1:0, i64 %body:23
  %body:25 = mul i64 %head:0, %after.1.if:3
  %body:26 = getelementptr float, ptr %entry:186, i64 %body:25
  %body:27 = mul i64 %head:0, %entry:192
  %body:28 = getelementptr float, ptr %entry:203, i64 %body:27
  %body:29 = mul i64 %head:0, %entry:209
  %body:30 = getelementptr float, ptr %entry:220, i64 %body:29
  %body:31 = load float, ptr %body:12
  %body:32 = insertelement <8 x float> splat(float undef), float %body:31, i32 0
  %body:33 = shufflevector <8 x float> %body:32, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  store <8 x float> splat(float              0x0), <8 x float>* %entry:223
  br label %"head.1"
after:
  %after:0 = getelementptr i64, ptr %argument:0, i64 42
  %after:1 = load i64, ptr %after:0
  %after:2 = getelementptr i64, ptr %argument:0, i64 43
  %after:3 = load i64, ptr %after:2
  %after:4 = getelementptr i64, ptr %argument:0, i64 44
  %after:5 = load i64, ptr %after:4
  %after:6 = getelementptr i64, ptr %argument:2, i64 %after:1
  %after:7 = load i64, ptr %after:6
  %after:8 = getelementptr i64, ptr %argument:0, i64 40
  %after:9 = load i64, ptr %after:8
  %after:10 = getelementptr ptr, ptr %argument:1, i64 %after:9
  %after:11 = load ptr, ptr %after:10
  %after:12 = getelementptr i64, ptr %argument:0, i64 41
  %after:13 = load i64, ptr %after:12
  %after:14 = getelementptr i8, ptr %after:11, i64 %after:13
  %after:15 = mul i64 %after:7, %after:3
  %after:16 = getelementptr float, ptr %after:14, i64 %after:15
  %after:17 = getelementptr i64, ptr %argument:0, i64 37
  %after:18 = load i64, ptr %after:17
  %after:19 = getelementptr i64, ptr %argument:0, i64 38
  %after:20 = load i64, ptr %after:19
  %after:21 = getelementptr i64, ptr %argument:0, i64 39
  %after:22 = load i64, ptr %after:21
  %after:23 = getelementptr i64, ptr %argument:2, i64 %after:18
  %after:24 = load i64, ptr %after:23
  %after:25 = getelementptr i64, ptr %argument:0, i64 35
  %after:26 = load i64, ptr %after:25
  %after:27 = getelementptr ptr, ptr %argument:1, i64 %after:26
  %after:28 = load ptr, ptr %after:27
  %after:29 = getelementptr i64, ptr %argument:0, i64 36
  %after:30 = load i64, ptr %after:29
  %after:31 = getelementptr i8, ptr %after:28, i64 %after:30
  %after:32 = mul i64 %after:24, %after:20
  %after:33 = getelementptr float, ptr %after:31, i64 %after:32
  %after:34 = getelementptr i64, ptr %argument:0, i64 7
  %after:35 = load i64, ptr %after:34
  %after:36 = getelementptr i64, ptr %argument:0, i64 8
  %after:37 = load i64, ptr %after:36
  %after:38 = getelementptr i64, ptr %argument:0, i64 9
  %after:39 = load i64, ptr %after:38
  %after:40 = getelementptr i64, ptr %argument:2, i64 %after:35
  %after:41 = load i64, ptr %after:40
  %after:42 = getelementptr i64, ptr %argument:0, i64 5
  %after:43 = load i64, ptr %after:42
  %after:44 = getelementptr ptr, ptr %argument:1, i64 %after:43
  %after:45 = load ptr, ptr %after:44
  %after:46 = getelementptr i64, ptr %argument:0, i64 6
  %after:47 = load i64, ptr %after:46
  %after:48 = getelementptr i8, ptr %after:45, i64 %after:47
  %after:49 = mul i64 %after:41, %after:37
  %after:50 = getelementptr float, ptr %after:48, i64 %after:49
  %after:51 = getelementptr i64, ptr %argument:0, i64 47
  %after:52 = load i64, ptr %after:51
  %after:53 = getelementptr i64, ptr %argument:0, i64 48
  %after:54 = load i64, ptr %after:53
  %after:55 = getelementptr i64, ptr %argument:0, i64 49
  %after:56 = load i64, ptr %after:55
  %after:57 = getelementptr i64, ptr %argument:2, i64 %after:52
  %after:58 = load i64, ptr %after:57
  %after:59 = getelementptr i64, ptr %argument:0, i64 45
  %after:60 = load i64, ptr %after:59
  %after:61 = getelementptr ptr, ptr %argument:1, i64 %after:60
  %after:62 = load ptr, ptr %after:61
  %after:63 = getelementptr i64, ptr %argument:0, i64 46
  %after:64 = load i64, ptr %after:63
  %after:65 = getelementptr i8, ptr %after:62, i64 %after:64
  %after:66 = mul i64 %after:58, %after:54
  %after:67 = getelementptr float, ptr %after:65, i64 %after:66
  %after:68 = getelementptr i64, ptr %argument:0, i64 63
  %after:69 = load i64, ptr %after:68
  %after:70 = getelementptr i64, ptr %argument:0, i64 64
  %after:71 = load i64, ptr %after:70
  %after:72 = getelementptr i64, ptr %argument:0, i64 65
  %after:73 = load i64, ptr %after:72
  %after:74 = getelementptr i64, ptr %argument:2, i64 %after:69
  %after:75 = load i64, ptr %after:74
  %after:76 = getelementptr i64, ptr %argument:0, i64 61
  %after:77 = load i64, ptr %after:76
  %after:78 = getelementptr ptr, ptr %argument:1, i64 %after:77
  %after:79 = load ptr, ptr %after:78
  %after:80 = getelementptr i64, ptr %argument:0, i64 62
  %after:81 = load i64, ptr %after:80
  %after:82 = getelementptr i8, ptr %after:79, i64 %after:81
  %after:83 = mul i64 %after:75, %after:71
  %after:84 = getelementptr float, ptr %after:82, i64 %after:83
  %after:85 = getelementptr i64, ptr %argument:0, i64 68
  %after:86 = load i64, ptr %after:85
  %after:87 = getelementptr i64, ptr %argument:0, i64 69
  %after:88 = load i64, ptr %after:87
  %after:89 = getelementptr i64, ptr %argument:0, i64 70
  %after:90 = load i64, ptr %after:89
  %after:91 = getelementptr i64, ptr %argument:2, i64 %after:86
  %after:92 = load i64, ptr %after:91
  %after:93 = getelementptr i64, ptr %argument:0, i64 66
  %after:94 = load i64, ptr %after:93
  %after:95 = getelementptr ptr, ptr %argument:1, i64 %after:94
  %after:96 = load ptr, ptr %after:95
  %after:97 = getelementptr i64, ptr %argument:0, i64 67
  %after:98 = load i64, ptr %after:97
  %after:99 = getelementptr i8, ptr %after:96, i64 %after:98
  %after:100 = mul i64 %after:92, %after:88
  %after:101 = getelementptr float, ptr %after:99, i64 %after:100
  %after:102 = getelementptr i64, ptr %argument:0, i64 60
  %after:103 = load i64, ptr %after:102
  %after:104 = getelementptr i64, ptr %argument:0, i64 60
  %after:105 = load i64, ptr %after:104
  br label %"head.2"
head.1:
  %head.1:0 = phi  i64 [0, %"body"], [%head.1:1, %"body.1"]
  %head.1:1 = add i64 %head.1:0, 8
  %head.1:2 = icmp sle i64 %head.1:1, %entry:222
  br i1 %head.1:2, label %"body.1", label %"after.1"
body.1:
  %body.1:0 = getelementptr float, ptr %body:10, i64 %head.1:0
  %body.1:1 = load <8 x float>, ptr %body.1:0, align 4
  %body.1:2 = fdiv <8 x float> %body.1:1, %body:33
  %body.1:3 = getelementptr float, ptr %body:14, i64 %head.1:0
  %body.1:4 = load <8 x float>, ptr %body.1:3, align 4
  %body.1:5 = getelementptr float, ptr %body:16, i64 %head.1:0
  %body.1:6 = load <8 x float>, ptr %body.1:5, align 4
  %body.1:7 = fadd <8 x float> %body.1:4, %body.1:6
  %body.1:8 = getelementptr float, ptr %body:18, i64 %head.1:0
  %body.1:9 = load <8 x float>, ptr %body.1:8, align 4
  %body.1:10 = fmul <8 x float> %body.1:2, %body.1:9
  %body.1:11 = getelementptr float, ptr %body:20, i64 %head.1:0
  %body.1:12 = load <8 x float>, ptr %body.1:11, align 4
  %body.1:13 = fadd <8 x float> %body.1:10, %body.1:12
  %body.1:14 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %body.1:13)
  %body.1:15 = fcmp ogt <8 x float> %body.1:14, splat(float 0x4022333340000000)
  %body.1:16 = select  <8 x i1> %body.1:15, <8 x float> splat(float 0x4022333340000000), <8 x float> %body.1:14
  %body.1:17 = fadd <8 x float> %body.1:16, %body.1:16
  %body.1:18 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:17, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %body.1:19 = fsub <8 x float> %body.1:18, splat(float 0x4168000000000000)
  %body.1:20 = bitcast <8 x float> %body.1:18 to <8 x i32>
  %body.1:21 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %body.1:22 = sub <8 x i32> %body.1:20, %body.1:21
  %body.1:23 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:19, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %body.1:17)
  %body.1:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:19, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %body.1:23)
  %body.1:25 = fmul <8 x float> %body.1:24, %body.1:24
  %body.1:26 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %body.1:24, <8 x float> splat(float 0x3f81215820000000))
  %body.1:27 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:26, <8 x float> %body.1:24, <8 x float> splat(float 0x3fa5555140000000))
  %body.1:28 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:27, <8 x float> %body.1:24, <8 x float> splat(float 0x3fc5554d40000000))
  %body.1:29 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:28, <8 x float> %body.1:24, <8 x float> splat(float 0x3fe0000000000000))
  %body.1:30 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:25, <8 x float> %body.1:29, <8 x float> %body.1:24)
  %body.1:31 = add <8 x i32> %body.1:22, splat(i32 127)
  %body.1:32 = shl <8 x i32> %body.1:31, splat(i32 23)
  %body.1:33 = bitcast <8 x i32> %body.1:32 to <8 x float>
  %body.1:34 = fsub <8 x float> %body.1:33, splat(float 0x3ff0000000000000)
  %body.1:35 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:33, <8 x float> %body.1:30, <8 x float> %body.1:34)
  %body.1:36 = fadd <8 x float> %body.1:35, splat(float 0x4000000000000000)
  %body.1:37 = fdiv <8 x float> %body.1:35, %body.1:36
  %body.1:38 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %body.1:37, <8 x float> %body.1:13)
  %body.1:39 = fmul <8 x float> %body.1:38, %body.1:38
  %body.1:40 = fsub <8 x float> splat(float 0x3ff0000000000000), %body.1:39
  %body.1:41 = fmul <8 x float> %body.1:7, %body.1:40
  %body.1:42 = fmul <8 x float> %body.1:41, %body.1:9
  %body.1:43 = fdiv <8 x float> %body.1:42, %body:33
  %body.1:44 = fmul <8 x float> %body.1:42, %body.1:2
  %body.1:45 = fdiv <8 x float> %body.1:44, %body:33
  %body.1:46 = fneg <8 x float> %body.1:45
  %body.1:47 = fmul <8 x float> splat(float 0x4000000000000000), %body.1:1
  %body.1:48 = getelementptr float, ptr %body:24, i64 %head.1:0
  store <8 x float> %body.1:43, ptr %body.1:48, align 4
  %body.1:49 = getelementptr float, ptr %body:26, i64 %head.1:0
  store <8 x float> %body.1:47, ptr %body.1:49, align 4
  %body.1:50 = getelementptr float, ptr %body:28, i64 %head.1:0
  store <8 x float> %body.1:2, ptr %body.1:50, align 4
  %body.1:51 = getelementptr float, ptr %body:30, i64 %head.1:0
  store <8 x float> %body.1:41, ptr %body.1:51, align 4
  %body.1:52 = load <8 x float>, <8 x float>* %entry:223
  %body.1:53 = fadd <8 x float> %body.1:52, %body.1:46
  store <8 x float> %body.1:53, <8 x float>* %entry:223
  br label %"head.1"
after.1:
  %after.1:0 = sub i64 %entry:222, %head.1:0
  %after.1:1 = icmp sgt i64 %after.1:0, 0
  br i1 %after.1:1, label %"after.1.if", label %"after.1.endif"
after.1.if:
  %after.1.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.1:0, i32 0
  %after.1.if:1 = shufflevector <8 x i64> %after.1.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.1.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.1.if:1
  %after.1.if:3 = getelementptr float, ptr %body:10, i64 %head.1:0
  %after.1.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.1.if:3, i32 4, <8 x i1> %after.1.if:2, <8 x float> splat(float              0x0))
  %after.1.if:5 = fdiv <8 x float> %after.1.if:4, %body:33
  %after.1.if:6 = getelementptr float, ptr %body:14, i64 %head.1:0
  %after.1.if:7 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.1.if:6, i32 4, <8 x i1> %after.1.if:2, <8 x float> splat(float              0x0))
  %after.1.if:8 = getelementptr float, ptr %body:16, i64 %head.1:0
  %after.1.if:9 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.1.if:8, i32 4, <8 x i1> %after.1.if:2, <8 x float> splat(float              0x0))
  %after.1.if:10 = fadd <8 x float> %after.1.if:7, %after.1.if:9
  %after.1.if:11 = getelementptr float, ptr %body:18, i64 %head.1:0
  %after.1.if:12 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.1.if:11, i32 4, <8 x i1> %after.1.if:2, <8 x float> splat(float              0x0))
  %after.1.if:13 = fmul <8 x float> %after.1.if:5, %after.1.if:12
  %after.1.if:14 = getelementptr float, ptr %body:20, i64 %head.1:0
  %after.1.if:15 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.1.if:14, i32 4, <8 x i1> %after.1.if:2, <8 x float> splat(float              0x0))
  %after.1.if:16 = fadd <8 x float> %after.1.if:13, %after.1.if:15
  %after.1.if:17 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %after.1.if:16)
  %after.1.if:18 = fcmp ogt <8 x float> %after.1.if:17, splat(float 0x4022333340000000)
  %after.1.if:19 = select  <8 x i1> %after.1.if:18, <8 x float> splat(float 0x4022333340000000), <8 x float> %after.1.if:17
  %after.1.if:20 = fadd <8 x float> %after.1.if:19, %after.1.if:19
  %after.1.if:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:20, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %after.1.if:22 = fsub <8 x float> %after.1.if:21, splat(float 0x4168000000000000)
  %after.1.if:23 = bitcast <8 x float> %after.1.if:21 to <8 x i32>
  %after.1.if:24 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %after.1.if:25 = sub <8 x i32> %after.1.if:23, %after.1.if:24
  %after.1.if:26 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:22, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %after.1.if:20)
  %after.1.if:27 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:22, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %after.1.if:26)
  %after.1.if:28 = fmul <8 x float> %after.1.if:27, %after.1.if:27
  %after.1.if:29 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %after.1.if:27, <8 x float> splat(float 0x3f81215820000000))
  %after.1.if:30 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:29, <8 x float> %after.1.if:27, <8 x float> splat(float 0x3fa5555140000000))
  %after.1.if:31 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:30, <8 x float> %after.1.if:27, <8 x float> splat(float 0x3fc5554d40000000))
  %after.1.if:32 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:31, <8 x float> %after.1.if:27, <8 x float> splat(float 0x3fe0000000000000))
  %after.1.if:33 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:28, <8 x float> %after.1.if:32, <8 x float> %after.1.if:27)
  %after.1.if:34 = add <8 x i32> %after.1.if:25, splat(i32 127)
  %after.1.if:35 = shl <8 x i32> %after.1.if:34, splat(i32 23)
  %after.1.if:36 = bitcast <8 x i32> %after.1.if:35 to <8 x float>
  %after.1.if:37 = fsub <8 x float> %after.1.if:36, splat(float 0x3ff0000000000000)
  %after.1.if:38 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:36, <8 x float> %after.1.if:33, <8 x float> %after.1.if:37)
  %after.1.if:39 = fadd <8 x float> %after.1.if:38, splat(float 0x4000000000000000)
  %after.1.if:40 = fdiv <8 x float> %after.1.if:38, %after.1.if:39
  %after.1.if:41 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %after.1.if:40, <8 x float> %after.1.if:16)
  %after.1.if:42 = fmul <8 x float> %after.1.if:41, %after.1.if:41
  %after.1.if:43 = fsub <8 x float> splat(float 0x3ff0000000000000), %after.1.if:42
  %after.1.if:44 = fmul <8 x float> %after.1.if:10, %after.1.if:43
  %after.1.if:45 = fmul <8 x float> %after.1.if:44, %after.1.if:12
  %after.1.if:46 = fdiv <8 x float> %after.1.if:45, %body:33
  %after.1.if:47 = fmul <8 x float> %after.1.if:45, %after.1.if:5
  %after.1.if:48 = fdiv <8 x float> %after.1.if:47, %body:33
  %after.1.if:49 = fneg <8 x float> %after.1.if:48
  %after.1.if:50 = fmul <8 x float> splat(float 0x4000000000000000), %after.1.if:4
  %after.1.if:51 = getelementptr float, ptr %body:24, i64 %head.1:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.1.if:46, ptr %after.1.if:51, i32 4, <8 x i1> %after.1.if:2)
  %after.1.if:52 = getelementptr float, ptr %body:26, i64 %head.1:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.1.if:50, ptr %after.1.if:52, i32 4, <8 x i1> %after.1.if:2)
  %after.1.if:53 = getelementptr float, ptr %body:28, i64 %head.1:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.1.if:5, ptr %after.1.if:53, i32 4, <8 x i1> %after.1.if:2)
  %after.1.if:54 = getelementptr float, ptr %body:30, i64 %head.1:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.1.if:44, ptr %after.1.if:54, i32 4, <8 x i1> %after.1.if:2)
  %after.1.if:55 = load <8 x float>, <8 x float>* %entry:223
  %after.1.if:56 = fadd <8 x float> %after.1.if:55, %after.1.if:49
  %after.1.if:57 = select  <8 x i1> %after.1.if:2, <8 x float> %after.1.if:56, <8 x float> %after.1.if:55
  store <8 x float> %after.1.if:57, <8 x float>* %entry:223
  br label %"after.1.endif"
after.1.endif:
  %after.1.endif:0 = load <8 x float>, <8 x float>* %entry:223
  %after.1.endif:1 = shufflevector <8 x float> %after.1.endif:0, <8 x float> %after.1.endif:0, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 4, i32 5, i32 6, i32 7>
  %after.1.endif:2 = fadd <8 x float> %after.1.endif:0, %after.1.endif:1
  %after.1.endif:3 = shufflevector <8 x float> %after.1.endif:2, <8 x float> %after.1.endif:2, <8 x i32> <i32 2, i32 3, i32 2, i32 3, i32 2, i32 3, i32 2, i32 3>
  %after.1.endif:4 = fadd <8 x float> %after.1.endif:2, %after.1.endif:3
  %after.1.endif:5 = shufflevector <8 x float> %after.1.endif:4, <8 x float> %after.1.endif:4, <8 x i32> splat(i32 1)
  %after.1.endif:6 = fadd <8 x float> %after.1.endif:4, %after.1.endif:5
  %after.1.endif:7 = extractelement <8 x float> %after.1.endif:6, i32 0
  store float %after.1.endif:7, ptr %body:22
  br label %"head"
head.2:
  %head.2:0 = phi  i64 [%argument:3, %"after"], [%head.2:1, %"after.3.endif"]
  %head.2:1 = add i64 %head.2:0, 1
  %head.2:2 = icmp sle i64 %head.2:1, %argument:4
  br i1 %head.2:2, label %"body.2", label %"after.2"
body.2:
  %body.2:0 = mul i64 %head.2:0, %after:5
  %body.2:1 = getelementptr float, ptr %after:16, i64 %body.2:0
  %body.2:2 = mul i64 %head.2:0, %after:22
  %body.2:3 = getelementptr float, ptr %after:33, i64 %body.2:2
  %body.2:4 = mul i64 %head.2:0, %after:39
  %body.2:5 = getelementptr float, ptr %after:50, i64 %body.2:4
  %body.2:6 = mul i64 %head.2:0, %after:56
  %body.2:7 = getelementptr float, ptr %after:67, i64 %body.2:6
  %body.2:8 = mul i64 %head.2:0, %after:73
  %body.2:9 = getelementptr float, ptr %after:84, i64 %body.2:8
  %body.2:10 = mul i64 %head.2:0, %after:90
  %body.2:11 = getelementptr float, ptr %after:101, i64 %body.2:10
  %body.2:12 = load float, ptr %body.2:3
  %body.2:13 = insertelement <8 x float> splat(float undef), float %body.2:12, i32 0
  %body.2:14 = shufflevector <8 x float> %body.2:13, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.2:15 = load float, ptr %body.2:5
  %body.2:16 = insertelement <8 x float> splat(float undef), float %body.2:15, i32 0
  %body.2:17 = shufflevector <8 x float> %body.2:16, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.2:18 = fdiv <8 x float> %body.2:14, %body.2:17
  %body.2:19 = sitofp i64 %after:105 to float
  %body.2:20 = insertelement <8 x float> splat(float undef), float %body.2:19, i32 0
  %body.2:21 = shufflevector <8 x float> %body.2:20, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.2:22 = fdiv <8 x float> %body.2:18, %body.2:21
  store <8 x float> splat(float              0x0), <8 x float>* %entry:224
  br label %"head.3"
after.2:
  %after.2:0 = getelementptr i64, ptr %argument:0, i64 68
  %after.2:1 = load i64, ptr %after.2:0
  %after.2:2 = getelementptr i64, ptr %argument:0, i64 69
  %after.2:3 = load i64, ptr %after.2:2
  %after.2:4 = getelementptr i64, ptr %argument:0, i64 70
  %after.2:5 = load i64, ptr %after.2:4
  %after.2:6 = getelementptr i64, ptr %argument:2, i64 %after.2:1
  %after.2:7 = load i64, ptr %after.2:6
  %after.2:8 = getelementptr i64, ptr %argument:0, i64 66
  %after.2:9 = load i64, ptr %after.2:8
  %after.2:10 = getelementptr ptr, ptr %argument:1, i64 %after.2:9
  %after.2:11 = load ptr, ptr %after.2:10
  %after.2:12 = getelementptr i64, ptr %argument:0, i64 67
  %after.2:13 = load i64, ptr %after.2:12
  %after.2:14 = getelementptr i8, ptr %after.2:11, i64 %after.2:13
  %after.2:15 = mul i64 %after.2:7, %after.2:3
  %after.2:16 = getelementptr float, ptr %after.2:14, i64 %after.2:15
  %after.2:17 = getelementptr i64, ptr %argument:0, i64 63
  %after.2:18 = load i64, ptr %after.2:17
  %after.2:19 = getelementptr i64, ptr %argument:0, i64 64
  %after.2:20 = load i64, ptr %after.2:19
  %after.2:21 = getelementptr i64, ptr %argument:0, i64 65
  %after.2:22 = load i64, ptr %after.2:21
  %after.2:23 = getelementptr i64, ptr %argument:2, i64 %after.2:18
  %after.2:24 = load i64, ptr %after.2:23
  %after.2:25 = getelementptr i64, ptr %argument:0, i64 61
  %after.2:26 = load i64, ptr %after.2:25
  %after.2:27 = getelementptr ptr, ptr %argument:1, i64 %after.2:26
  %after.2:28 = load ptr, ptr %after.2:27
  %after.2:29 = getelementptr i64, ptr %argument:0, i64 62
  %after.2:30 = load i64, ptr %after.2:29
  %after.2:31 = getelementptr i8, ptr %after.2:28, i64 %after.2:30
  %after.2:32 = mul i64 %after.2:24, %after.2:20
  %after.2:33 = getelementptr float, ptr %after.2:31, i64 %after.2:32
  %after.2:34 = getelementptr i64, ptr %argument:0, i64 73
  %after.2:35 = load i64, ptr %after.2:34
  %after.2:36 = getelementptr i64, ptr %argument:0, i64 74
  %after.2:37 = load i64, ptr %after.2:36
  %after.2:38 = getelementptr i64, ptr %argument:0, i64 75
  %after.2:39 = load i64, ptr %after.2:38
  %after.2:40 = getelementptr i64, ptr %argument:2, i64 %after.2:35
  %after.2:41 = load i64, ptr %after.2:40
  %after.2:42 = getelementptr i64, ptr %argument:0, i64 71
  %after.2:43 = load i64, ptr %after.2:42
  %after.2:44 = getelementptr ptr, ptr %argument:1, i64 %after.2:43
  %after.2:45 = load ptr, ptr %after.2:44
  %after.2:46 = getelementptr i64, ptr %argument:0, i64 72
  %after.2:47 = load i64, ptr %after.2:46
  %after.2:48 = getelementptr i8, ptr %after.2:45, i64 %after.2:47
  %after.2:49 = mul i64 %after.2:41, %after.2:37
  %after.2:50 = getelementptr float, ptr %after.2:48, i64 %after.2:49
  %after.2:51 = getelementptr i64, ptr %argument:0, i64 60
  %after.2:52 = load i64, ptr %after.2:51
  %after.2:53 = getelementptr i64, ptr %argument:0, i64 60
  %after.2:54 = load i64, ptr %after.2:53
  br label %"head.4"
head.3:
  %head.3:0 = phi  i64 [0, %"body.2"], [%head.3:1, %"body.3"]
  %head.3:1 = add i64 %head.3:0, 8
  %head.3:2 = icmp sle i64 %head.3:1, %after:103
  br i1 %head.3:2, label %"body.3", label %"after.3"
body.3:
  %body.3:0 = getelementptr float, ptr %body.2:1, i64 %head.3:0
  %body.3:1 = load <8 x float>, ptr %body.3:0, align 4
  %body.3:2 = getelementptr float, ptr %body.2:7, i64 %head.3:0
  %body.3:3 = load <8 x float>, ptr %body.3:2, align 4
  %body.3:4 = fmul <8 x float> %body.2:22, %body.3:3
  %body.3:5 = fadd <8 x float> %body.3:1, %body.3:4
  %body.3:6 = fneg <8 x float> %body.3:5
  %body.3:7 = getelementptr float, ptr %body.2:11, i64 %head.3:0
  store <8 x float> %body.3:5, ptr %body.3:7, align 4
  %body.3:8 = load <8 x float>, <8 x float>* %entry:224
  %body.3:9 = fadd <8 x float> %body.3:8, %body.3:6
  store <8 x float> %body.3:9, <8 x float>* %entry:224
  br label %"head.3"
after.3:
  %after.3:0 = sub i64 %after:103, %head.3:0
  %after.3:1 = icmp sgt i64 %after.3:0, 0
  br i1 %after.3:1, label %"after.3.if", label %"after.3.endif"
after.3.if:
  %after.3.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.3:0, i32 0
  %after.3.if:1 = shufflevector <8 x i64> %after.3.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.3.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.3.if:1
  %after.3.if:3 = getelementptr float, ptr %body.2:1, i64 %head.3:0
  %after.3.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.3.if:3, i32 4, <8 x i1> %after.3.if:2, <8 x float> splat(float              0x0))
  %after.3.if:5 = getelementptr float, ptr %body.2:7, i64 %head.3:0
  %after.3.if:6 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.3.if:5, i32 4, <8 x i1> %after.3.if:2, <8 x float> splat(float              0x0))
  %after.3.if:7 = fmul <8 x float> %body.2:22, %after.3.if:6
  %after.3.if:8 = fadd <8 x float> %after.3.if:4, %after.3.if:7
  %after.3.if:9 = fneg <8 x float> %after.3.if:8
  %after.3.if:10 = getelementptr float, ptr %body.2:11, i64 %head.3:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.3.if:8, ptr %after.3.if:10, i32 4, <8 x i1> %after.3.if:2)
  %after.3.if:11 = load <8 x float>, <8 x float>* %entry:224
  %after.3.if:12 = fadd <8 x float> %after.3.if:11, %after.3.if:9
  %after.3.if:13 = select  <8 x i1> %after.3.if:2, <8 x float> %after.3.if:12, <8 x float> %after.3.if:11
  store <8 x float> %after.3.if:13, <8 x float>* %entry:224
  br label %"after.3.endif"
after.3.endif:
  %after.3.endif:0 = load <8 x float>, <8 x float>* %entry:224
  %after.3.endif:1 = shufflevector <8 x float> %after.3.endif:0, <8 x float> %after.3.endif:0, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 4, i32 5, i32 6, i32 7>
  %after.3.endif:2 = fadd <8 x float> %after.3.endif:0, %after.3.endif:1
  %after.3.endif:3 = shufflevector <8 x float> %after.3.endif:2, <8 x float> %after.3.endif:2, <8 x i32> <i32 2, i32 3, i32 2, i32 3, i32 2, i32 3, i32 2, i32 3>
  %after.3.endif:4 = fadd <8 x float> %after.3.endif:2, %after.3.endif:3
  %after.3.endif:5 = shufflevector <8 x float> %after.3.endif:4, <8 x float> %after.3.endif:4, <8 x i32> splat(i32 1)
  %after.3.endif:6 = fadd <8 x float> %after.3.endif:4, %after.3.endif:5
  %after.3.endif:7 = extractelement <8 x float> %after.3.endif:6, i32 0
  store float %after.3.endif:7, ptr %body.2:9
  br label %"head.2"
head.4:
  %head.4:0 = phi  i64 [%argument:3, %"after.2"], [%head.4:1, %"after.5.endif"]
  %head.4:1 = add i64 %head.4:0, 1
  %head.4:2 = icmp sle i64 %head.4:1, %argument:4
  br i1 %head.4:2, label %"body.4", label %"after.4"
body.4:
  %body.4:0 = mul i64 %head.4:0, %after.2:5
  %body.4:1 = getelementptr float, ptr %after.2:16, i64 %body.4:0
  %body.4:2 = mul i64 %head.4:0, %after.2:22
  %body.4:3 = getelementptr float, ptr %after.2:33, i64 %body.4:2
  %body.4:4 = mul i64 %head.4:0, %after.2:39
  %body.4:5 = getelementptr float, ptr %after.2:50, i64 %body.4:4
  %body.4:6 = sitofp i64 %after.2:54 to float
  %body.4:7 = insertelement <8 x float> splat(float undef), float %body.4:6, i32 0
  %body.4:8 = shufflevector <8 x float> %body.4:7, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.4:9 = load float, ptr %body.4:3
  %body.4:10 = insertelement <8 x float> splat(float undef), float %body.4:9, i32 0
  %body.4:11 = shufflevector <8 x float> %body.4:10, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.4:12 = fdiv <8 x float> %body.4:11, %body.4:8
  br label %"head.5"
after.4:
  %after.4:0 = getelementptr i64, ptr %argument:0, i64 78
  %after.4:1 = load i64, ptr %after.4:0
  %after.4:2 = getelementptr i64, ptr %argument:0, i64 79
  %after.4:3 = load i64, ptr %after.4:2
  %after.4:4 = getelementptr i64, ptr %argument:0, i64 80
  %after.4:5 = load i64, ptr %after.4:4
  %after.4:6 = getelementptr i64, ptr %argument:0, i64 81
  %after.4:7 = load i64, ptr %after.4:6
  %after.4:8 = getelementptr i64, ptr %argument:0, i64 73
  %after.4:9 = load i64, ptr %after.4:8
  %after.4:10 = getelementptr i64, ptr %argument:0, i64 74
  %after.4:11 = load i64, ptr %after.4:10
  %after.4:12 = getelementptr i64, ptr %argument:0, i64 75
  %after.4:13 = load i64, ptr %after.4:12
  %after.4:14 = getelementptr i64, ptr %argument:2, i64 %after.4:9
  %after.4:15 = load i64, ptr %after.4:14
  %after.4:16 = getelementptr i64, ptr %argument:0, i64 71
  %after.4:17 = load i64, ptr %after.4:16
  %after.4:18 = getelementptr ptr, ptr %argument:1, i64 %after.4:17
  %after.4:19 = load ptr, ptr %after.4:18
  %after.4:20 = getelementptr i64, ptr %argument:0, i64 72
  %after.4:21 = load i64, ptr %after.4:20
  %after.4:22 = getelementptr i8, ptr %after.4:19, i64 %after.4:21
  %after.4:23 = mul i64 %after.4:15, %after.4:11
  %after.4:24 = getelementptr float, ptr %after.4:22, i64 %after.4:23
  %after.4:25 = getelementptr i64, ptr %argument:0, i64 84
  %after.4:26 = load i64, ptr %after.4:25
  %after.4:27 = getelementptr i64, ptr %argument:0, i64 85
  %after.4:28 = load i64, ptr %after.4:27
  %after.4:29 = getelementptr i64, ptr %argument:0, i64 86
  %after.4:30 = load i64, ptr %after.4:29
  %after.4:31 = getelementptr i64, ptr %argument:2, i64 %after.4:26
  %after.4:32 = load i64, ptr %after.4:31
  %after.4:33 = getelementptr i64, ptr %argument:0, i64 82
  %after.4:34 = load i64, ptr %after.4:33
  %after.4:35 = getelementptr ptr, ptr %argument:1, i64 %after.4:34
  %after.4:36 = load ptr, ptr %after.4:35
  %after.4:37 = getelementptr i64, ptr %argument:0, i64 83
  %after.4:38 = load i64, ptr %after.4:37
  %after.4:39 = getelementptr i8, ptr %after.4:36, i64 %after.4:38
  %after.4:40 = mul i64 %after.4:32, %after.4:28
  %after.4:41 = getelementptr float, ptr %after.4:39, i64 %after.4:40
  %after.4:42 = sub i64 %argument:4, %argument:3
  %after.4:43 = getelementptr i64, ptr %argument:0, i64 76
  %after.4:44 = load i64, ptr %after.4:43
  %after.4:45 = getelementptr ptr, ptr %argument:1, i64 %after.4:44
  %after.4:46 = load ptr, ptr %after.4:45
  %after.4:47 = getelementptr i64, ptr %argument:0, i64 77
  %after.4:48 = load i64, ptr %after.4:47
  %after.4:49 = getelementptr i8, ptr %after.4:46, i64 %after.4:48
  %after.4:50 = mul i64 %argument:3, %after.4:30
  %after.4:51 = getelementptr float, ptr %after.4:41, i64 %after.4:50
  %after.4:52 = mul i64 %argument:3, %after.4:13
  %after.4:53 = getelementptr float, ptr %after.4:24, i64 %after.4:52
  %after.4:54 = add i64 %after.4:3, 15
  %after.4:55 = sdiv i64 %after.4:54, 16
  %after.4:56 = sdiv i64 0, 16
  %after.4:57 = mul i64 %after.4:56, %after.4:7
  %after.4:58 = getelementptr float, ptr %after.4:49, i64 %after.4:57
  %after.4:59 = getelementptr float, ptr %after.4:51, i64 0
  %after.4:60 = sub i64 %after.4:3, 0
  call void @"conveyor_product_avx2_f32"(ptr %after.4:53, i64 %after.4:13, ptr %after.4:58, ptr %after.4:59, i64 %after.4:30, i64 %after.4:42, i64 %after.4:1, i64 %after.4:60, i64 %after.4:5, i64 %after.4:7)
  ret void
head.5:
  %head.5:0 = phi  i64 [0, %"body.4"], [%head.5:1, %"body.5"]
  %head.5:1 = add i64 %head.5:0, 8
  %head.5:2 = icmp sle i64 %head.5:1, %after.2:52
  br i1 %head.5:2, label %"body.5", label %"after.5"
body.5:
  %body.5:0 = getelementptr float, ptr %body.4:1, i64 %head.5:0
  %body.5:1 = load <8 x float>, ptr %body.5:0, align 4
  %body.5:2 = fadd <8 x float> %body.5:1, %body.4:12
  %body.5:3 = getelementptr float, ptr %body.4:5, i64 %head.5:0
  store <8 x float> %body.5:2, ptr %body.5:3, align 4
  br label %"head.5"
after.5:
  %after.5:0 = sub i64 %after.2:52, %head.5:0
  %after.5:1 = icmp sgt i64 %after.5:0, 0
  br i1 %after.5:1, label %"after.5.if", label %"after.5.endif"
after.5.if:
  %after.5.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.5:0, i32 0
  %after.5.if:1 = shufflevector <8 x i64> %after.5.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.5.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.5.if:1
  %after.5.if:3 = getelementptr float, ptr %body.4:1, i64 %head.5:0
  %after.5.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.5.if:3, i32 4, <8 x i1> %after.5.if:2, <8 x float> splat(float              0x0))
  %after.5.if:5 = fadd <8 x float> %after.5.if:4, %body.4:12
  %after.5.if:6 = getelementptr float, ptr %body.4:5, i64 %head.5:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.5.if:5, ptr %after.5.if:6, i32 4, <8 x i1> %after.5.if:2)
  br label %"after.5.endif"
after.5.endif:
  br label %"head.4"
}

declare <8 x float> @"llvm.fabs.v8f32"(<8 x float> %argument:0)

declare <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1, <8 x float> %argument:2)

declare <8 x float> @"llvm.copysign.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1)

declare <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %argument:0, i32 %argument:1, <8 x i1> %argument:2, <8 x float> %argument:3)

declare void @"llvm.masked.store.v8f32.p0"(<8 x float> %argument:0, ptr %argument:1, i32 %argument:2, <8 x i1> %argument:3)

define void @"after"(ptr %argument:0, ptr %argument:1, ptr %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6)
{
entry:
  %entry:0 = getelementptr i64, ptr %argument:0, i64 89
  %entry:1 = load i64, ptr %entry:0
  %entry:2 = getelementptr i64, ptr %argument:0, i64 90
  %entry:3 = load i64, ptr %entry:2
  %entry:4 = getelementptr i64, ptr %argument:0, i64 91
  %entry:5 = load i64, ptr %entry:4
  %entry:6 = getelementptr i64, ptr %argument:0, i64 92
  %entry:7 = load i64, ptr %entry:6
  %entry:8 = getelementptr i64, ptr %argument:0, i64 73
  %entry:9 = load i64, ptr %entry:8
  %entry:10 = getelementptr i64, ptr %argument:0, i64 74
  %entry:11 = load i64, ptr %entry:10
  %entry:12 = getelementptr i64, ptr %argument:0, i64 75
  %entry:13 = load i64, ptr %entry:12
  %entry:14 = getelementptr i64, ptr %argument:2, i64 %entry:9
  %entry:15 = load i64, ptr %entry:14
  %entry:16 = getelementptr i64, ptr %argument:0, i64 71
  %entry:17 = load i64, ptr %entry:16
  %entry:18 = getelementptr ptr, ptr %argument:1, i64 %entry:17
  %entry:19 = load ptr, ptr %entry:18
  %entry:20 = getelementptr i64, ptr %argument:0, i64 72
  %entry:21 = load i64, ptr %entry:20
  %entry:22 = getelementptr i8, ptr %entry:19, i64 %entry:21
  %entry:23 = mul i64 %entry:15, %entry:11
  %entry:24 = getelementptr float, ptr %entry:22, i64 %entry:23
  %entry:25 = getelementptr i64, ptr %argument:0, i64 95
  %entry:26 = load i64, ptr %entry:25
  %entry:27 = getelementptr i64, ptr %argument:0, i64 96
  %entry:28 = load i64, ptr %entry:27
  %entry:29 = getelementptr i64, ptr %argument:0, i64 97
  %entry:30 = load i64, ptr %entry:29
  %entry:31 = getelementptr i64, ptr %argument:2, i64 %entry:26
  %entry:32 = load i64, ptr %entry:31
  %entry:33 = getelementptr i64, ptr %argument:0, i64 93
  %entry:34 = load i64, ptr %entry:33
  %entry:35 = getelementptr ptr, ptr %argument:1, i64 %entry:34
  %entry:36 = load ptr, ptr %entry:35
  %entry:37 = getelementptr i64, ptr %argument:0, i64 94
  %entry:38 = load i64, ptr %entry:37
  %entry:39 = getelementptr i8, ptr %entry:36, i64 %entry:38
  %entry:40 = mul i64 %entry:32, %entry:28
  %entry:41 = getelementptr float, ptr %entry:39, i64 %entry:40
  %entry:42 = sub i64 %argument:4, %argument:3
  %entry:43 = getelementptr i64, ptr %argument:0, i64 87
  %entry:44 = load i64, ptr %entry:43
  %entry:45 = getelementptr ptr, ptr %argument:1, i64 %entry:44
  %entry:46 = load ptr, ptr %entry:45
  %entry:47 = getelementptr i64, ptr %argument:0, i64 88
  %entry:48 = load i64, ptr %entry:47
  %entry:49 = getelementptr i8, ptr %entry:46, i64 %entry:48
  %entry:50 = mul i64 %argument:3, %entry:30
  %entry:51 = getelementptr float, ptr %entry:41, i64 %entry:50
  %entry:52 = mul i64 %argument:3, %entry:13
  %entry:53 = getelementptr float, ptr %entry:24, i64 %entry:52
  %entry:54 = add i64 %entry:3, 15
  %entry:55 = sdiv i64 %entry:54, 16
  %entry:56 = add i64 %entry:3, 15
  %entry:57 = sdiv i64 %entry:56, 16
  %entry:58 = add i64 %argument:5, 1
  %entry:59 = mul i64 %entry:57, %argument:5
  %entry:60 = sdiv i64 %entry:59, %argument:6
  %entry:61 = mul i64 %entry:60, 16
  %entry:62 = mul i64 %entry:57, %entry:58
  %entry:63 = sdiv i64 %entry:62, %argument:6
  %entry:64 = mul i64 %entry:63, 16
  %entry:65 = icmp slt i64 %entry:61, %entry:3
  %entry:66 = select  i1 %entry:65, i64 %entry:61, i64 %entry:3
  %entry:67 = icmp slt i64 %entry:64, %entry:3
  %entry:68 = select  i1 %entry:67, i64 %entry:64, i64 %entry:3
  %entry:69 = sdiv i64 %entry:66, 16
  %entry:70 = mul i64 %entry:69, %entry:7
  %entry:71 = getelementptr float, ptr %entry:49, i64 %entry:70
  %entry:72 = getelementptr float, ptr %entry:51, i64 %entry:66
  %entry:73 = sub i64 %entry:68, %entry:66
  call void @"conveyor_product_avx2_f32"(ptr %entry:53, i64 %entry:13, ptr %entry:71, ptr %entry:72, i64 %entry:30, i64 %entry:42, i64 %entry:1, i64 %entry:73, i64 %entry:5, i64 %entry:7)
  %entry:74 = icmp sgt i64 %argument:6, 1
  br i1 %entry:74, label %"entry.if", label %"entry.endif"
entry.if:
  call void @"conveyor_wait_avx2_f32"(ptr %argument:1, i64 %argument:6)
  br label %"entry.endif"
entry.endif:
  %entry.endif:0 = getelementptr i64, ptr %argument:0, i64 57
  %entry.endif:1 = load i64, ptr %entry.endif:0
  %entry.endif:2 = getelementptr i64, ptr %argument:0, i64 58
  %entry.endif:3 = load i64, ptr %entry.endif:2
  %entry.endif:4 = getelementptr i64, ptr %argument:0, i64 59
  %entry.endif:5 = load i64, ptr %entry.endif:4
  %entry.endif:6 = getelementptr i64, ptr %argument:2, i64 %entry.endif:1
  %entry.endif:7 = load i64, ptr %entry.endif:6
  %entry.endif:8 = getelementptr i64, ptr %argument:0, i64 55
  %entry.endif:9 = load i64, ptr %entry.endif:8
  %entry.endif:10 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:9
  %entry.endif:11 = load ptr, ptr %entry.endif:10
  %entry.endif:12 = getelementptr i64, ptr %argument:0, i64 56
  %entry.endif:13 = load i64, ptr %entry.endif:12
  %entry.endif:14 = getelementptr i8, ptr %entry.endif:11, i64 %entry.endif:13
  %entry.endif:15 = mul i64 %entry.endif:7, %entry.endif:3
  %entry.endif:16 = getelementptr float, ptr %entry.endif:14, i64 %entry.endif:15
  %entry.endif:17 = getelementptr i64, ptr %argument:0, i64 52
  %entry.endif:18 = load i64, ptr %entry.endif:17
  %entry.endif:19 = getelementptr i64, ptr %argument:0, i64 53
  %entry.endif:20 = load i64, ptr %entry.endif:19
  %entry.endif:21 = getelementptr i64, ptr %argument:0, i64 54
  %entry.endif:22 = load i64, ptr %entry.endif:21
  %entry.endif:23 = getelementptr i64, ptr %argument:2, i64 %entry.endif:18
  %entry.endif:24 = load i64, ptr %entry.endif:23
  %entry.endif:25 = getelementptr i64, ptr %argument:0, i64 50
  %entry.endif:26 = load i64, ptr %entry.endif:25
  %entry.endif:27 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:26
  %entry.endif:28 = load ptr, ptr %entry.endif:27
  %entry.endif:29 = getelementptr i64, ptr %argument:0, i64 51
  %entry.endif:30 = load i64, ptr %entry.endif:29
  %entry.endif:31 = getelementptr i8, ptr %entry.endif:28, i64 %entry.endif:30
  %entry.endif:32 = mul i64 %entry.endif:24, %entry.endif:20
  %entry.endif:33 = getelementptr float, ptr %entry.endif:31, i64 %entry.endif:32
  %entry.endif:34 = getelementptr i64, ptr %argument:0, i64 100
  %entry.endif:35 = load i64, ptr %entry.endif:34
  %entry.endif:36 = getelementptr i64, ptr %argument:0, i64 101
  %entry.endif:37 = load i64, ptr %entry.endif:36
  %entry.endif:38 = getelementptr i64, ptr %argument:0, i64 102
  %entry.endif:39 = load i64, ptr %entry.endif:38
  %entry.endif:40 = getelementptr i64, ptr %argument:2, i64 %entry.endif:35
  %entry.endif:41 = load i64, ptr %entry.endif:40
  %entry.endif:42 = getelementptr i64, ptr %argument:0, i64 98
  %entry.endif:43 = load i64, ptr %entry.endif:42
  %entry.endif:44 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:43
  %entry.endif:45 = load ptr, ptr %entry.endif:44
  %entry.endif:46 = getelementptr i64, ptr %argument:0, i64 99
  %entry.endif:47 = load i64, ptr %entry.endif:46
  %entry.endif:48 = getelementptr i8, ptr %entry.endif:45, i64 %entry.endif:47
  %entry.endif:49 = mul i64 %entry.endif:41, %entry.endif:37
  %entry.endif:50 = getelementptr float, ptr %entry.endif:48, i64 %entry.endif:49
  %entry.endif:51 = getelementptr i64, ptr %argument:0, i64 60
  %entry.endif:52 = load i64, ptr %entry.endif:51
  %entry.endif:53 = add i64 %entry.endif:52, 7
  %entry.endif:54 = sdiv i64 %entry.endif:53, 8
  %entry.endif:55 = add i64 %argument:5, 1
  %entry.endif:56 = mul i64 %entry.endif:54, %argument:5
  %entry.endif:57 = sdiv i64 %entry.endif:56, %argument:6
  %entry.endif:58 = mul i64 %entry.endif:57, 8
  %entry.endif:59 = mul i64 %entry.endif:54, %entry.endif:55
  %entry.endif:60 = sdiv i64 %entry.endif:59, %argument:6
  %entry.endif:61 = mul i64 %entry.endif:60, 8
  %entry.endif:62 = icmp slt i64 %entry.endif:58, %entry.endif:52
  %entry.endif:63 = select  i1 %entry.endif:62, i64 %entry.endif:58, i64 %entry.endif:52
  %entry.endif:64 = icmp slt i64 %entry.endif:61, %entry.endif:52
  %entry.endif:65 = select  i1 %entry.endif:64, i64 %entry.endif:61, i64 %entry.endif:52
  br label %"head"
head:
  %head:0 = phi  i64 [%argument:3, %"entry.endif"], [%head:1, %"after.1.endif"]
  %head:1 = add i64 %head:0, 1
  %head:2 = icmp sle i64 %head:1, %argument:4
  br i1 %head:2, label %"body", label %"after"
body:
  %body:0 = mul i64 %head:0, %entry.endif:5
  %body:1 = getelementptr float, ptr %entry.endif:16, i64 %body:0
  %body:2 = mul i64 %head:0, %entry.endif:22
  %body:3 = getelementptr float, ptr %entry.endif:33, i64 %body:2
  %body:4 = mul i64 %head:0, %entry.endif:39
  %body:5 = getelementptr float, ptr %entry.endif:50, i64 %body:4
  br label %"head.1"
after:
  %after:0 = icmp sgt i64 %argument:6, 1
  br i1 %after:0, label %"after.if", label %"after.endif"
head.1:
  %head.1:0 = phi  i64 [%entry.endif:63, %"body"], [%head.1:1, %"body.1"]
  %head.1:1 = add i64 %head.1:0, 8
  %head.1:2 = icmp sle i64 %head.1:1, %entry.endif:65
  br i1 %head.1:2, label %"body.1", label %"after.1"
body.1:
  %body.1:0 = getelementptr float, ptr %body:1, i64 %head.1:0
  %body.1:1 = load <8 x float>, ptr %body.1:0, align 4
  %body.1:2 = getelementptr float, ptr %body:3, i64 %head.1:0
  %body.1:3 = load <8 x float>, ptr %body.1:2, align 4
  %body.1:4 = fmul <8 x float> %body.1:1, %body.1:3
  %body.1:5 = getelementptr float, ptr %body:5, i64 %head.1:0
  store <8 x float> %body.1:4, ptr %body.1:5, align 4
  br label %"head.1"
after.1:
  %after.1:0 = sub i64 %entry.endif:65, %head.1:0
  %after.1:1 = icmp sgt i64 %after.1:0, 0
  br i1 %after.1:1, label %"after.1.if", label %"after.1.endif"
after.1.if:
  %after.1.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.1:0, i32 0
  %after.1.if:1 = shufflevector <8 x i64> %after.1.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.1.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.1.if:1
  %after.1.if:3 = getelementptr float, ptr %body:1, i64 %head.1:0
  %after.1.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.1.if:3, i32 4, <8 x i1> %after.1.if:2, <8 x float> splat(float              0x0))
  %after.1.if:5 = getelementptr float, ptr %body:3, i64 %head.1:0
  %after.1.if:6 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.1.if:5, i32 4, <8 x i1> %after.1.if:2, <8 x float> splat(float              0x0))
  %after.1.if:7 = fmul <8 x float> %after.1.if:4, %after.1.if:6
  %after.1.if:8 = getelementptr float, ptr %body:5, i64 %head.1:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.1.if:7, ptr %after.1.if:8, i32 4, <8 x i1> %after.1.if:2)
  br label %"after.1.endif"
after.1.endif:
  br label %"head"
after.if:
  call void @"conveyor_wait_avx2_f32"(ptr %argument:1, i64 %argument:6)
  br label %"after.endif"
after.endif:
  ret void
}
