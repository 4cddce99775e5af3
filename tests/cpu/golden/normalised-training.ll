declare void @"conveyor_product_avx2_f32"(ptr %argument:0, i64 %argument:1, ptr %argument:2, ptr %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6, i64 %".8", i64 %entry:0, i64 %entry:1)

declare void @"conveyor_wait_avx2_f32"(ptr %argument:0, i64 %argument:1)

define void @"before"(ptr %argument:0, ptr %argument:1, ptr %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6)
{
entry:
  %entry:0 = getelementptr i64, ptr %argument:0, i64 2
  %entry:1 = load i64, ptr %entry:0
  %entry:2 = getelementptr i64, ptr %argument:0, i64 3
  %entry:3 = load i64, ptr %entry:2
  %entry:4 = getelementptr i64, ptr %argument:0, i64 4
  %entry:5 = load i64, ptr %entry:4
  %entry:6 = getelementptr i64, ptr %argument:0, i64 5
  %entry:7 = load i64, ptr %entry:6
  %entry:8 = getelementptr i64, ptr %argument:0, i64 8
  %entry:9 = load i64, ptr %entry:8
  %entry:10 = getelementptr i64, ptr %argument:0, i64 9
  %entry:11 = load i64, ptr %entry:10
  %entry:12 = getelementptr i64, ptr %argument:0, i64 10
  %entry:13 = load i64, ptr %entry:12
  %entry:14 = getelementptr i64, ptr %argument:2, i64 %entry:9
  %entry:15 = load i64, ptr %entry:14
  %entry:16 = getelementptr i64, ptr %argument:0, i64 6
  %entry:17 = load i64, ptr %entry:16
  %entry:18 = getelementptr ptr, ptr %argument:1, i64 %entry:17
  %entry:19 = load ptr, ptr %entry:18
  %entry:20 = getelementptr i64, ptr %argument:0, i64 7
  %entry:21 = load i64, ptr %entry:20
  %entry:22 = getelementptr i8, ptr %entry:19, i64 %entry:21
  %entry:23 = mul i64 %entry:15, %entry:11
  %entry:24 = getelementptr float, ptr %entry:22, i64 %entry:23
  %entry:25 = getelementptr i64, ptr %argument:0, i64 13
  %entry:26 = load i64, ptr %entry:25
  %entry:27 = getelementptr i64, ptr %argument:0, i64 14
  %entry:28 = load i64, ptr %entry:27
  %entry:29 = getelementptr i64, ptr %argument:0, i64 15
  %entry:30 = load i64, ptr %entry:29
  %entry:31 = getelementptr i64, ptr %argument:2, i64 %entry:26
  %entry:32 = load i64, ptr %entry:31
  %entry:33 = getelementptr i64, ptr %argument:0, i64 11
  %entry:34 = load i64, ptr %entry:33
  %entry:35 = getelementptr ptr, ptr %argument:1, i64 %entry:34
  %entry:36 = load ptr, ptr %entry:35
  %entry:37 = getelementptr i64, ptr %argument:0, i64 12
  %entry:38 = load i64, ptr %entry:37
  %entry:39 = getelementptr i8, ptr %entry:36, i64 %entry:38
  %entry:40 = mul i64 %entry:32, %entry:28
  %entry:41 = getelementptr float, ptr %entry:39, i64 %entry:40
  %entry:42 = sub i64 %argument:4, %argument:3
  %entry:43 = getelementptr i64, ptr %argument:0, i64 0
  %entry:44 = load i64, ptr %entry:43
  %entry:45 = getelementptr ptr, ptr %argument:1, i64 %entry:44
  %entry:46 = load ptr, ptr %entry:45
  %entry:47 = getelementptr i64, ptr %argument:0, i64 1
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
  %entry:61 = mul i64 %entry:57, %entry:58
  %entry:62 = sdiv i64 %entry:61, %argument:6
  %entry:63 = mul i64 %entry:62, 16
  %entry:64 = icmp slt i64 %entry:61, %entry:3
  %entry:65 = select  i1 %entry:64, i64 %entry:61, i64 %entry:3
  %entry:66 = icmp slt i64 %entry:63, %entry:3
  %entry:67 = select  i1 %entry:66, i64 %entry:63, i64 %entry:3
  %entry:68 = sdiv i64 %entry:65, 16
  %entry:69 = mul i64 %entry:68, %entry:7
  %entry:70 = getelementptr float, ptr %entry:49, i64 %entry:69
  %entry:71 = getelementptr float, ptr %entry:51, i64 %entry:65
  %entry:72 = sub i64 %entry:67, %entry:65
  call void @"conveyor_product_avx2_f32"(ptr %entry:53, i64 %entry:13, ptr %entry:70, ptr %entry:71, i64 %entry:30, i64 %entry:42, i64 %entry:1, i64 %entry:72, i64 %entry:5, i64 %entry:7)
  %entry:74 = icmp sgt i64 %argument:6, 1
  br i1 %entry:74, label %"entry.if", label %"entry.endif"
entry.if:
  call void @"conveyor_wait_avx2_f32"(ptr %argument:1, i64 %argument:6)
  br label %"entry.endif"
entry.endif:
  ret void
}

define void @"loop"(ptr %argument:0, ptr %argument:1, ptr %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6)
{
entry:
  %entry:0 = getelementptr i64, ptr %argument:0, i64 18
  %entry:1 = load i64, ptr %entry:0
  %entry:2 = getelementptr i64, ptr %argument:0, i64 19
  %entry:3 = load i64, ptr %entry:2
  %entry:4 = getelementptr i64, ptr %argument:0, i64 20
  %entry:5 = load i64, ptr %entry:4
  %entry:6 = getelementptr i64, ptr %argument:0, i64 21
  %entry:7 = load i64, ptr %entry:6
  %entry:8 = getelementptr i64, ptr %argument:0, i64 24
  %entry:9 = load i64, ptr %entry:8
  %entry:10 = getelementptr i64, ptr %argument:0, i64 25
  %entry:11 = load i64, ptr %entry:10
  %entry:12 = getelementptr i64, ptr %argument:0, i64 26
  %entry:13 = load i64, ptr %entry:12
  %entry:14 = getelementptr i64, ptr %argument:2, i64 %entry:9
  %entry:15 = load i64, ptr %entry:14
  %entry:16 = getelementptr i64, ptr %argument:0, i64 22
  %entry:17 = load i64, ptr %entry:16
  %entry:18 = getelementptr ptr, ptr %argument:1, i64 %entry:17
  %entry:19 = load ptr, ptr %entry:18
  %entry:20 = getelementptr i64, ptr %argument:0, i64 23
  %entry:21 = load i64, ptr %entry:20
  %entry:22 = getelementptr i8, ptr %entry:19, i64 %entry:21
  %entry:23 = mul i64 %entry:15, %entry:11
  %entry:24 = getelementptr float, ptr %entry:22, i64 %entry:23
  %entry:25 = getelementptr i64, ptr %argument:0, i64 29
  %entry:26 = load i64, ptr %entry:25
  %entry:27 = getelementptr i64, ptr %argument:0, i64 30
  %entry:28 = load i64, ptr %entry:27
  %entry:29 = getelementptr i64, ptr %argument:0, i64 31
  %entry:30 = load i64, ptr %entry:29
  %entry:31 = getelementptr i64, ptr %argument:2, i64 %entry:26
  %entry:32 = load i64, ptr %entry:31
  %entry:33 = getelementptr i64, ptr %argument:0, i64 27
  %entry:34 = load i64, ptr %entry:33
  %entry:35 = getelementptr ptr, ptr %argument:1, i64 %entry:34
  %entry:36 = load ptr, ptr %entry:35
  %entry:37 = getelementptr i64, ptr %argument:0, i64 28
  %entry:38 = load i64, ptr %entry:37
  %entry:39 = getelementptr i8, ptr %entry:36, i64 %entry:38
  %entry:40 = mul i64 %entry:32, %entry:28
  %entry:41 = getelementptr float, ptr %entry:39, i64 %entry:40
  %entry:42 = sub i64 %argument:4, %argument:3
  %entry:43 = getelementptr i64, ptr %argument:0, i64 16
  %entry:44 = load i64, ptr %entry:43
  %entry:45 = getelementptr ptr, ptr %argument:1, i64 %entry:44
  %entry:46 = load ptr, ptr %entry:45
  %entry:47 = getelementptr i64, ptr %argument:0, i64 17
  %entry:48 = load i64, ptr %entry:47
  %entry:49 = getelementptr i8, ptr %entry:46, i64 %entry:48
  %entry:50 = mul i64 %argument:3, %entry:30
  %entry:51 = getelementptr float, ptr %entry:41, i64 %entry:50
  %entry:52 = mul i64 %argument:3, %entry:13
  %entry:53 = getelementptr float, ptr %entry:24, i64 %entry:52
  %entry:54 = add i64 %entry:3, 15
  %entry:55 = sdiv i64 %entry:54, 16
  %entry:56 = sdiv i64 0, 16
  %entry:57 = mul i64 %entry:56, %entry:7
  %entry:58 = getelementptr float, ptr %entry:49, i64 %entry:57
  %entry:59 = getelementptr float, ptr %entry:51, i64 0
  %entry:60 = sub i64 %entry:3, 0
  call void @"conveyor_product_avx2_f32"(ptr %entry:53, i64 %entry:13, ptr %entry:58, ptr %entry:59, i64 %entry:30, i64 %entry:42, i64 %entry:1, i64 %entry:60, i64 %entry:5, i64 %entry:7)
  %entry:61 = getelementptr i64, ptr %argument:0, i64 13
  %entry:62 = load i64, ptr %entry:61
  %entry:63 = getelementptr i64, ptr %argument:0, i64 14
  %entry:64 = load i64, ptr %entry:63
  %entry:65 = getelementptr i64, ptr %argument:0, i64 15
  %entry:66 = load i64, ptr %entry:65
  %entry:67 = getelementptr i64, ptr %argument:2, i64 %entry:62
  %entry:68 = load i64, ptr %entry:67
  %entry:69 = getelementptr i64, ptr %argument:0, i64 11
  %entry:70 = load i64, ptr %entry:69
  %entry:71 = getelementptr ptr, ptr %argument:1, i64 %entry:70
  %entry:72 = load ptr, ptr %entry:71
  %entry:73 = getelementptr i64, ptr %argument:0, i64 12
  %entry:74 = load i64, ptr %entry:73
  %entry:75 = getelementptr i8, ptr %entry:72, i64 %entry:74
  %entry:76 = mul i64 %entry:68, %entry:64
  %entry:77 = getelementptr float, ptr %entry:75, i64 %entry:76
  %entry:78 = getelementptr i64, ptr %argument:0, i64 29
  %entry:79 = load i64, ptr %entry:78
  %entry:80 = getelementptr i64, ptr %argument:0, i64 30
  %entry:81 = load i64, ptr %entry:80
  %entry:82 = getelementptr i64, ptr %argument:0, i64 31
  %entry:83 = load i64, ptr %entry:82
  %entry:84 = getelementptr i64, ptr %argument:2, i64 %entry:79
  %entry:85 = load i64, ptr %entry:84
  %entry:86 = getelementptr i64, ptr %argument:0, i64 27
  %entry:87 = load i64, ptr %entry:86
  %entry:88 = getelementptr ptr, ptr %argument:1, i64 %entry:87
  %entry:89 = load ptr, ptr %entry:88
  %entry:90 = getelementptr i64, ptr %argument:0, i64 28
  %entry:91 = load i64, ptr %entry:90
  %entry:92 = getelementptr i8, ptr %entry:89, i64 %entry:91
  %entry:93 = mul i64 %entry:85, %entry:81
  %entry:94 = getelementptr float, ptr %entry:92, i64 %entry:93
  %entry:95 = getelementptr i64, ptr %argument:0, i64 34
  %entry:96 = load i64, ptr %entry:95
  %entry:97 = getelementptr i64, ptr %argument:0, i64 35
  %entry:98 = load i64, ptr %entry:97
  %entry:99 = getelementptr i64, ptr %argument:0, i64 36
  %entry:100 = load i64, ptr %entry:99
  %entry:101 = getelementptr i64, ptr %argument:2, i64 %entry:96
  %entry:102 = load i64, ptr %entry:101
  %entry:103 = getelementptr i64, ptr %argument:0, i64 32
  %entry:104 = load i64, ptr %entry:103
  %entry:105 = getelementptr ptr, ptr %argument:1, i64 %entry:104
  %entry:106 = load ptr, ptr %entry:105
  %entry:107 = getelementptr i64, ptr %argument:0, i64 33
  %entry:108 = load i64, ptr %entry:107
  %entry:109 = getelementptr i8, ptr %entry:106, i64 %entry:108
  %entry:110 = mul i64 %entry:102, %entry:98
  %entry:111 = getelementptr float, ptr %entry:109, i64 %entry:110
  %entry:112 = getelementptr i64, ptr %argument:0, i64 39
  %entry:113 = load i64, ptr %entry:112
  %entry:114 = getelementptr i64, ptr %argument:0, i64 40
  %entry:115 = load i64, ptr %entry:114
  %entry:116 = getelementptr i64, ptr %argument:0, i64 41
  %entry:117 = load i64, ptr %entry:116
  %entry:118 = getelementptr i64, ptr %argument:2, i64 %entry:113
  %entry:119 = load i64, ptr %entry:118
  %entry:120 = getelementptr i64, ptr %argument:0, i64 37
  %entry:121 = load i64, ptr %entry:120
  %entry:122 = getelementptr ptr, ptr %argument:1, i64 %entry:121
  %entry:123 = load ptr, ptr %entry:122
  %entry:124 = getelementptr i64, ptr %argument:0, i64 38
  %entry:125 = load i64, ptr %entry:124
  %entry:126 = getelementptr i8, ptr %entry:123, i64 %entry:125
  %entry:127 = mul i64 %entry:119, %entry:115
  %entry:128 = getelementptr float, ptr %entry:126, i64 %entry:127
  %entry:129 = getelementptr i64, ptr %argument:0, i64 44
  %entry:130 = load i64, ptr %entry:129
  %entry:131 = getelementptr i64, ptr %argument:0, i64 45
  %entry:132 = load i64, ptr %entry:131
  %entry:133 = getelementptr i64, ptr %argument:0, i64 46
  %entry:134 = load i64, ptr %entry:133
  %entry:135 = getelementptr i64, ptr %argument:2, i64 %entry:130
  %entry:136 = load i64, ptr %entry:135
  %entry:137 = getelementptr i64, ptr %argument:0, i64 42
  %entry:138 = load i64, ptr %entry:137
  %entry:139 = getelementptr ptr, ptr %argument:1, i64 %entry:138
  %entry:140 = load ptr, ptr %entry:139
  %entry:141 = getelementptr i64, ptr %argument:0, i64 43
  %entry:142 = load i64, ptr %entry:141
  %entry:143 = getelementptr i8, ptr %entry:140, i64 %entry:142
  %entry:144 = mul i64 %entry:136, %entry:132
  %entry:145 = getelementptr float, ptr %entry:143, i64 %entry:144
  %entry:146 = getelementptr i64, ptr %argument:0, i64 47
  %entry:147 = load i64, ptr %entry:146
  %entry:148 = alloca <8 x float>
  %entry:149 = alloca <8 x float>
  br label %"head"
head:
  %head:0 = phi  i64 [%argument:3, %"entry"], [%head:1, %"after.1.endif"]
  %head:1 = add i64 %head:0, 1
  %head:2 = icmp sle i64 %head:1, %argument:4
  br i1 %head:2, label %"body", label %"after"
body:
  %body:0 = mul i64 %head:0, %entry:66
  %body:1 = getelementptr float, ptr %entry:77, i64 %body:0
  %body:2 = mul i64 %head:0, %entry:83
  %body:3 = getelementptr float, ptr %entry:94, i64 %body:2
  %body:4 = mul i64 %head:0, %entry:100
  %body:5 = getelementptr float, ptr %entry:111, i64 %body:4
  %body:6 = mul i64 %head:0, %entry:117
  %body:7 = getelementptr float, ptr %entry:128, i64 %body:6
  %body:8 = mul i64 %head:0, %entry:134
  %body:9 = getelementptr float, ptr %entry:145, i64 %body:8
  store <8 x float> splat(float              0x0), <8 x float>* %entry:148
  br label %"head.1"
after:
  %after:0 = getelementptr i64, ptr %argument:0, i64 44
  %after:1 = load i64, ptr %after:0
  %after:2 = getelementptr i64, ptr %argument:0, i64 45
  %after:3 = load i64, ptr %after:2
  %after:4 = getelementptr i64, ptr %argument:0, i64 46
  %after:5 = load i64, ptr %after:4
  %after:6 = getelementptr i64, ptr %argument:2, i64 %after:1
  %after:7 = load i64, ptr %after:6
  %after:8 = getelementptr i64, ptr %argument:0, i64 42
  %after:9 = load i64, ptr %after:8
  %after:10 = getelementptr ptr, ptr %argument:1, i64 %after:9
  %after:11 = load ptr, ptr %after:10
  %after:12 = getelementptr i64, ptr %argument:0, i64 43
  %after:13 = load i64, ptr %after:12
  %after:14 = getelementptr i8, ptr %after:11, i64 %after:13
  %after:15 = mul i64 %after:7, %after:3
  %after:16 = getelementptr float, ptr %after:14, i64 %after:15
  %after:17 = getelementptr i64, ptr %argument:0, i64 39
  %after:18 = load i64, ptr %after:17
  %after:19 = getelementptr i64, ptr %argument:0, i64 40
  %after:20 = load i64, ptr %after:19
  %after:21 = getelementptr i64, ptr %argument:0, i64 41
  %after:22 = load i64, ptr %after:21
  %after:23 = getelementptr i64, ptr %argument:2, i64 %after:18
  %after:24 = load i64, ptr %after:23
  %after:25 = getelementptr i64, ptr %argument:0, i64 37
  %after:26 = load i64, ptr %after:25
  %after:27 = getelementptr ptr, ptr %argument:1, i64 %after:26
  %after:28 = load ptr, ptr %after:27
  %after:29 = getelementptr i64, ptr %argument:0, i64 38
  %after:30 = load i64, ptr %after:29
  %after:31 = getelementptr i8, ptr %after:28, i64 %after:30
  %after:32 = mul i64 %after:24, %after:20
  %after:33 = getelementptr float, ptr %after:31, i64 %after:32
  %after:34 = getelementptr i64, ptr %argument:0, i64 50
  %after:35 = load i64, ptr %after:34
  %after:36 = getelementptr i64, ptr %argument:0, i64 51
  %after:37 = load i64, ptr %after:36
  %after:38 = getelementptr i64, ptr %argument:0, i64 52
  %after:39 = load i64, ptr %after:38
  %after:40 = getelementptr i64, ptr %argument:2, i64 %after:35
  %after:41 = load i64, ptr %after:40
  %after:42 = getelementptr i64, ptr %argument:0, i64 48
  %after:43 = load i64, ptr %after:42
  %after:44 = getelementptr ptr, ptr %argument:1, i64 %after:43
  %after:45 = load ptr, ptr %after:44
  %after:46 = getelementptr i64, ptr %argument:0, i64 49
  %after:47 = load i64, ptr %after:46
  %after:48 = getelementptr i8, ptr %after:45, i64 %after:47
  %after:49 = mul i64 %after:41, %after:37
  %after:50 = getelementptr float, ptr %after:48, i64 %after:49
  %after:51 = getelementptr i64, ptr %argument:0, i64 55
  %after:52 = load i64, ptr %after:51
  %after:53 = getelementptr i64, ptr %argument:0, i64 56
  %after:54 = load i64, ptr %after:53
  %after:55 = getelementptr i64, ptr %argument:0, i64 57
  %after:56 = load i64, ptr %after:55
  %after:57 = getelementptr i64, ptr %argument:2, i64 %after:52
  %after:58 = load i64, ptr %after:57
  %after:59 = getelementptr i64, ptr %argument:0, i64 53
  %after:60 = load i64, ptr %after:59
  %after:61 = getelementptr ptr, ptr %argument:1, i64 %after:60
  %after:62 = load ptr, ptr %after:61
  %after:63 = getelementptr i64, ptr %argument:0, i64 54
  %after:64 = load i64, ptr %after:63
  %after:65 = getelementptr i8, ptr %after:62, i64 %after:64
  %after:66 = mul i64 %after:58, %after:54
  %after:67 = getelementptr float, ptr %after:65, i64 %after:66
  %after:68 = getelementptr i64, ptr %argument:0, i64 47
  %after:69 = load i64, ptr %after:68
  %after:70 = getelementptr i64, ptr %argument:0, i64 47
  %after:71 = load i64, ptr %after:70
  br label %"head.2"
head.1:
  %head.1:0 = phi  i64 [0, %"body"], [%head.1:1, %"body.1"]
  %head.1:1 = add i64 %head.1:0, 8
  %head.1:2 = icmp sle i64 %head.1:1, %entry:147
  br i1 %head.1:2, label %"body.1", label %"after.1"
body.1:
  %body.1:0 = getelementptr float, ptr %body:1, i64 %head.1:0
  %body.1:1 = load <8 x float>, ptr %body.1:0, align 4
  %body.1:2 = getelementptr float, ptr %body:3, i64 %head.1:0
  %body.1:3 = load <8 x float>, ptr %body.1:2, align 4
  %body.1:4 = fadd <8 x float> %body.1:1, %body.1:3
  %body.1:5 = getelementptr float, ptr %body:5, i64 %head.1:0
  %body.1:6 = load <8 x float>, ptr %body.1:5, align 4
  %body.1:7 = fadd <8 x float> %body.1:4, %body.1:6
  %body.1:8 = getelementptr float, ptr %body:9, i64 %head.1:0
  store <8 x float> %body.1:7, ptr %body.1:8, align 4
  %body.1:9 = load <8 x float>, <8 x float>* %entry:148
  %body.1:10 = fadd <8 x float> %body.1:9, %body.1:7
  store <8 x float> %body.1:10, <8 x float>* %entry:148
  br label %"head.1"
after.1:
  %after.1:0 = sub i64 %entry:147, %head.1:0
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
  %after.1.if:7 = fadd <8 x float> %after.1.if:4, %after.1.if:6
  %after.1.if:8 = getelementptr float, ptr %body:5, i64 %head.1:0
  %after.1.if:9 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.1.if:8, i32 4, <8 x i1> %after.1.if:2, <8 x float> splat(float              0x0))
  %after.1.if:10 = fadd <8 x float> %after.1.if:7, %after.1.if:9
  %after.1.if:11 = getelementptr float, ptr %body:9, i64 %head.1:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.1.if:10, ptr %after.1.if:11, i32 4, <8 x i1> %after.1.if:2)
  %after.1.if:12 = load <8 x float>, <8 x float>* %entry:148
  %after.1.if:13 = fadd <8 x float> %after.1.if:12, %after.1.if:10
  %after.1.if:14 = select  <8 x i1> %after.1.if:2, <8 x float> %after.1.if:13, <8 x float> %after.1.if:12
  store <8 x float> %after.1.if:14, <8 x float>* %entry:148
  br label %"after.1.endif"
after.1.endif:
  %after.1.endif:0 = load <8 x float>, <8 x float>* %entry:148
  %after.1.endif:1 = shufflevector <8 x float> %after.1.endif:0, <8 x float> %after.1.endif:0, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 4, i32 5, i32 6, i32 7>
  %after.1.endif:2 = fadd <8 x float> %after.1.endif:0, %after.1.endif:1
  %after.1.endif:3 = shufflevector <8 x float> %after.1.endif:2, <8 x float> %after.1.endif:2, <8 x i32> <i32 2, i32 3, i32 2, i32 3, i32 2, i32 3, i32 2, i32 3>
  %after.1.endif:4 = fadd <8 x float> %after.1.endif:2, %after.1.endif:3
  %after.1.endif:5 = shufflevector <8 x float> %after.1.endif:4, <8 x float> %after.1.endif:4, <8 x i32> splat(i32 1)
  %after.1.endif:6 = fadd <8 x float> %after.1.endif:4, %after.1.endif:5
  %after.1.endif:7 = extractelement <8 x float> %after.1.endif:6, i32 0
  store float %after.1.endif:7, ptr %body:7
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
  %body.2:8 = load float, ptr %body.2:3
  %body.2:9 = insertelement <8 x float> splat(float undef), float %body.2:8, i32 0
  %body.2:10 = shufflevector <8 x float> %body.2:9, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.2:11 = sitofp i64 %after:71 to float
  %body.2:12 = insertelement <8 x float> splat(float undef), float %body.2:11, i32 0
  %body.2:13 = shufflevector <8 x float> %body.2:12, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.2:14 = fdiv <8 x float> %body.2:10, %body.2:13
  store <8 x float> splat(float              0x0), <8 x float>* %entry:149
  br label %"head.3"
after.2:
  %after.2:0 = getelementptr i64, ptr %argument:0, i64 50
  %after.2:1 = load i64, ptr %after.2:0
  %after.2:2 = getelementptr i64, ptr %argument:0, i64 51
  %after.2:3 = load i64, ptr %after.2:2
  %after.2:4 = getelementptr i64, ptr %argument:0, i64 52
  %after.2:5 = load i64, ptr %after.2:4
  %after.2:6 = getelementptr i64, ptr %argument:2, i64 %after.2:1
  %after.2:7 = load i64, ptr %after.2:6
  %after.2:8 = getelementptr i64, ptr %argument:0, i64 48
  %after.2:9 = load i64, ptr %after.2:8
  %after.2:10 = getelementptr ptr, ptr %argument:1, i64 %after.2:9
  %after.2:11 = load ptr, ptr %after.2:10
  %after.2:12 = getelementptr i64, ptr %argument:0, i64 49
  %after.2:13 = load i64, ptr %after.2:12
  %after.2:14 = getelementptr i8, ptr %after.2:11, i64 %after.2:13
  %after.2:15 = mul i64 %after.2:7, %after.2:3
  %after.2:16 = getelementptr float, ptr %after.2:14, i64 %after.2:15
  %after.2:17 = getelementptr i64, ptr %argument:0, i64 60
  %after.2:18 = load i64, ptr %after.2:17
  %after.2:19 = getelementptr i64, ptr %argument:0, i64 61
  %after.2:20 = load i64, ptr %after.2:19
  %after.2:21 = getelementptr i64, ptr %argument:0, i64 62
  %after.2:22 = load i64, ptr %after.2:21
  %after.2:23 = getelementptr i64, ptr %argument:2, i64 %after.2:18
  %after.2:24 = load i64, ptr %after.2:23
  %after.2:25 = getelementptr i64, ptr %argument:0, i64 58
  %after.2:26 = load i64, ptr %after.2:25
  %after.2:27 = getelementptr ptr, ptr %argument:1, i64 %after.2:26
  %after.2:28 = load ptr, ptr %after.2:27
  %after.2:29 = getelementptr i64, ptr %argument:0, i64 59
  %after.2:30 = load i64, ptr %after.2:29
  %after.2:31 = getelementptr i8, ptr %after.2:28, i64 %after.2:30
  %after.2:32 = mul i64 %after.2:24, %after.2:20
  %after.2:33 = getelementptr float, ptr %after.2:31, i64 %after.2:32
  %after.2:34 = getelementptr i64, ptr %argument:0, i64 47
  %after.2:35 = load i64, ptr %after.2:34
  %after.2:36 = getelementptr i64, ptr %argument:0, i64 55
  %after.2:37 = load i64, ptr %after.2:36
  %after.2:38 = getelementptr i64, ptr %argument:0, i64 56
  %after.2:39 = load i64, ptr %after.2:38
  %after.2:40 = getelementptr i64, ptr %argument:0, i64 57
  %after.2:41 = load i64, ptr %after.2:40
  %after.2:42 = getelementptr i64, ptr %argument:2, i64 %after.2:37
  %after.2:43 = load i64, ptr %after.2:42
  %after.2:44 = getelementptr i64, ptr %argument:0, i64 53
  %after.2:45 = load i64, ptr %after.2:44
  %after.2:46 = getelementptr ptr, ptr %argument:1, i64 %after.2:45
  %after.2:47 = load ptr, ptr %after.2:46
  %after.2:48 = getelementptr i64, ptr %argument:0, i64 54
  %after.2:49 = load i64, ptr %after.2:48
  %after.2:50 = getelementptr i8, ptr %after.2:47, i64 %after.2:49
  %after.2:51 = mul i64 %after.2:43, %after.2:39
  %after.2:52 = getelementptr float, ptr %after.2:50, i64 %after.2:51
  %after.2:53 = getelementptr i64, ptr %argument:0, i64 50
  %after.2:54 = load i64, ptr %after.2:53
  %after.2:55 = getelementptr i64, ptr %argument:0, i64 51
  %after.2:56 = load i64, ptr %after.2:55
  %after.2:57 = getelementptr i64, ptr %argument:0, i64 52
  %after.2:58 = load i64, ptr %after.2:57
  %after.2:59 = getelementptr i64, ptr %argument:2, i64 %after.2:54
  %after.2:60 = load i64, ptr %after.2:59
  %after.2:61 = getelementptr i64, ptr %argument:0, i64 48
  %after.2:62 = load i64, ptr %after.2:61
  %after.2:63 = getelementptr ptr, ptr %argument:1, i64 %after.2:62
  %after.2:64 = load ptr, ptr %after.2:63
  %after.2:65 = getelementptr i64, ptr %argument:0, i64 49
  %after.2:66 = load i64, ptr %after.2:65
  %after.2:67 = getelementptr i8, ptr %after.2:64, i64 %after.2:66
  %after.2:68 = mul i64 %after.2:60, %after.2:56
  %after.2:69 = getelementptr float, ptr %after.2:67, i64 %after.2:68
  %after.2:70 = getelementptr i64, ptr %argument:0, i64 65
  %after.2:71 = load i64, ptr %after.2:70
  %after.2:72 = getelementptr i64, ptr %argument:0, i64 66
  %after.2:73 = load i64, ptr %after.2:72
  %after.2:74 = getelementptr i64, ptr %argument:0, i64 67
  %after.2:75 = load i64, ptr %after.2:74
  %after.2:76 = getelementptr i64, ptr %argument:2, i64 %after.2:71
  %after.2:77 = load i64, ptr %after.2:76
  %after.2:78 = getelementptr i64, ptr %argument:0, i64 63
  %after.2:79 = load i64, ptr %after.2:78
  %after.2:80 = getelementptr ptr, ptr %argument:1, i64 %after.2:79
  %after.2:81 = load ptr, ptr %after.2:80
  %after.2:82 = getelementptr i64, ptr %argument:0, i64 64
  %after.2:83 = load i64, ptr %after.2:82
  %after.2:84 = getelementptr i8, ptr %after.2:81, i64 %after.2:83
  %after.2:85 = mul i64 %after.2:77, %after.2:73
  %after.2:86 = getelementptr float, ptr %after.2:84, i64 %after.2:85
  %after.2:87 = getelementptr i64, ptr %argument:0, i64 70
  %after.2:88 = load i64, ptr %after.2:87
  %after.2:89 = getelementptr i64, ptr %argument:0, i64 71
  %after.2:90 = load i64, ptr %after.2:89
  %after.2:91 = getelementptr i64, ptr %argument:0, i64 72
  %after.2:92 = load i64, ptr %after.2:91
  %after.2:93 = getelementptr i64, ptr %argument:2, i64 %after.2:88
  %after.2:94 = load i64, ptr %after.2:93
  %after.2:95 = getelementptr i64, ptr %argument:0, i64 68
  %after.2:96 = load i64, ptr %after.2:95
  %after.2:97 = getelementptr ptr, ptr %argument:1, i64 %after.2:96
  %after.2:98 = load ptr, ptr %after.2:97
  %after.2:99 = getelementptr i64, ptr %argument:0, i64 69
  %after.2:100 = load i64, ptr %after.2:99
  %after.2:101 = getelementptr i8, ptr %after.2:98, i64 %after.2:100
  %after.2:102 = mul i64 %after.2:94, %after.2:90
  %after.2:103 = getelementptr float, ptr %after.2:101, i64 %after.2:102
  %after.2:104 = getelementptr i64, ptr %argument:0, i64 75
  %after.2:105 = load i64, ptr %after.2:104
  %after.2:106 = getelementptr i64, ptr %argument:0, i64 76
  %after.2:107 = load i64, ptr %after.2:106
  %after.2:108 = getelementptr i64, ptr %argument:0, i64 77
  %after.2:109 = load i64, ptr %after.2:108
  %after.2:110 = getelementptr i64, ptr %argument:2, i64 %after.2:105
  %after.2:111 = load i64, ptr %after.2:110
  %after.2:112 = getelementptr i64, ptr %argument:0, i64 73
  %after.2:113 = load i64, ptr %after.2:112
  %after.2:114 = getelementptr ptr, ptr %argument:1, i64 %after.2:113
  %after.2:115 = load ptr, ptr %after.2:114
  %after.2:116 = getelementptr i64, ptr %argument:0, i64 74
  %after.2:117 = load i64, ptr %after.2:116
  %after.2:118 = getelementptr i8, ptr %after.2:115, i64 %after.2:117
  %after.2:119 = mul i64 %after.2:111, %after.2:107
  %after.2:120 = getelementptr float, ptr %after.2:118, i64 %after.2:119
  %after.2:121 = getelementptr i64, ptr %argument:0, i64 47
  %after.2:122 = load i64, ptr %after.2:121
  %after.2:123 = getelementptr i64, ptr %argument:0, i64 47
  %after.2:124 = load i64, ptr %after.2:123
  br label %"head.4"
head.3:
  %head.3:0 = phi  i64 [0, %"body.2"], [%head.3:1, %"body.3"]
  %head.3:1 = add i64 %head.3:0, 8
  %head.3:2 = icmp sle i64 %head.3:1, %after:69
  br i1 %head.3:2, label %"body.3", label %"after.3"
body.3:
  %body.3:0 = getelementptr float, ptr %body.2:1, i64 %head.3:0
  %body.3:1 = load <8 x float>, ptr %body.3:0, align 4
  %body.3:2 = fsub <8 x float> %body.3:1, %body.2:14
  %body.3:3 = fmul <8 x float> %body.3:2, %body.3:2
  %body.3:4 = getelementptr float, ptr %body.2:7, i64 %head.3:0
  store <8 x float> %body.3:2, ptr %body.3:4, align 4
  %body.3:5 = load <8 x float>, <8 x float>* %entry:149
  %body.3:6 = fadd <8 x float> %body.3:5, %body.3:3
  store <8 x float> %body.3:6, <8 x float>* %entry:149
  br label %"head.3"
after.3:
  %after.3:0 = sub i64 %after:69, %head.3:0
  %after.3:1 = icmp sgt i64 %after.3:0, 0
  br i1 %after.3:1, label %"after.3.if", label %"after.3.endif"
after.3.if:
  %after.3.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.3:0, i32 0
  %after.3.if:1 = shufflevector <8 x i64> %after.3.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.3.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.3.if:1
  %after.3.if:3 = getelementptr float, ptr %body.2:1, i64 %head.3:0
  %after.3.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.3.if:3, i32 4, <8 x i1> %after.3.if:2, <8 x float> splat(float              0x0))
  %after.3.if:5 = fsub <8 x float> %after.3.if:4, %body.2:14
  %after.3.if:6 = fmul <8 x float> %after.3.if:5, %after.3.if:5
  %after.3.if:7 = getelementptr float, ptr %body.2:7, i64 %head.3:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.3.if:5, ptr %after.3.if:7, i32 4, <8 x i1> %after.3.if:2)
  %after.3.if:8 = load <8 x float>, <8 x float>* %entry:149
  %after.3.if:9 = fadd <8 x float> %after.3.if:8, %after.3.if:6
  %after.3.if:10 = select  <8 x i1> %after.3.if:2, <8 x float> %after.3.if:9, <8 x float> %after.3.if:8
  store <8 x float> %after.3.if:10, <8 x float>* %entry:149
  br label %"after.3.endif"
after.3.endif:
  %after.3.endif:0 = load <8 x float>, <8 x float>* %entry:149
  %after.3.endif:1 = shufflevector <8 x float> %after.3.endif:0, <8 x float> %after.3.endif:0, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 4, i32 5, i32 6, i32 7>
  %after.3.endif:2 = fadd <8 x float> %after.3.endif:0, %after.3.endif:1
  %after.3.endif:3 = shufflevector <8 x float> %after.3.endif:2, <8 x float> %after.3.endif:2, <8 x i32> <i32 2, i32 3, i32 2, i32 3, i32 2, i32 3, i32 2, i32 3>
  %after.3.endif:4 = fadd <8 x float> %after.3.endif:2, %after.3.endif:3
  %after.3.endif:5 = shufflevector <8 x float> %after.3.endif:4, <8 x float> %after.3.endif:4, <8 x i32> splat(i32 1)
  %after.3.endif:6 = fadd <8 x float> %after.3.endif:4, %after.3.endif:5
  %after.3.endif:7 = extractelement <8 x float> %after.3.endif:6, i32 0
  store float %after.3.endif:7, ptr %body.2:5
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
  %body.4:4 = sitofp i64 %after.2:35 to float
  %body.4:5 = insertelement <8 x float> splat(float undef), float %body.4:4, i32 0
  %body.4:6 = shufflevector <8 x float> %body.4:5, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.4:7 = load float, ptr %body.4:1
  %body.4:8 = insertelement <8 x float> splat(float undef), float %body.4:7, i32 0
  %body.4:9 = shufflevector <8 x float> %body.4:8, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.4:10 = fdiv <8 x float> %body.4:9, %body.4:6
  %body.4:11 = fadd <8 x float> %body.4:10, splat(float 0x3ee4f8b580000000)
  %body.4:12 = call <8 x float> @"llvm.sqrt.v8f32"(<8 x float> %body.4:11)
  %body.4:13 = extractelement <8 x float> %body.4:12, i32 0
  store float %body.4:13, ptr %body.4:3
  %body.4:14 = mul i64 %head.4:0, %after.2:41
  %body.4:15 = getelementptr float, ptr %after.2:52, i64 %body.4:14
  %body.4:16 = mul i64 %head.4:0, %after.2:58
  %body.4:17 = getelementptr float, ptr %after.2:69, i64 %body.4:16
  %body.4:18 = mul i64 %head.4:0, %after.2:75
  %body.4:19 = getelementptr float, ptr %after.2:86, i64 %body.4:18
  %body.4:20 = mul i64 %head.4:0, %after.2:92
  %body.4:21 = getelementptr float, ptr %after.2:103, i64 %body.4:20
  %body.4:22 = mul i64 %head.4:0, %after.2:109
  %body.4:23 = getelementptr float, ptr %after.2:120, i64 %body.4:22
  %body.4:24 = sitofp i64 %after.2:124 to float
  %body.4:25 = insertelement <8 x float> splat(float undef), float %body.4:24, i32 0
  %body.4:26 = shufflevector <8 x float> %body.4:25, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.4:27 = load float, ptr %body.4:17
  %body.4:28 = insertelement <8 x float> splat(float undef), float %body.4:27, i32 0
  %body.4:29 = shufflevector <8 x float> %body.4:28, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.4:30 = fdiv <8 x float> %body.4:29, %body.4:26
  %body.4:31 = fadd <8 x float> %body.4:30, splat(float 0x3ee4f8b580000000)
  %body.4:32 = call <8 x float> @"llvm.sqrt.v8f32"(<8 x float> %body.4:31)
  br label %"head.5"
after.4:
  ret void
head.5:
  %head.5:0 = phi  i64 [0, %"body.4"], [%head.5:1, %"body.5"]
  %head.5:1 = add i64 %head.5:0, 8
  %head.5:2 = icmp sle i64 %head.5:1, %after.2:122
  br i1 %head.5:2, label %"body.5", label %"after.5"
body.5:
  %body.5:0 = getelementptr float, ptr %body.4:15, i64 %head.5:0
  %body.5:1 = load <8 x float>, ptr %body.5:0, align 4
  %body.5:2 = fdiv <8 x float> %body.5:1, %body.4:32
  %body.5:3 = getelementptr float, ptr %body.4:19, i64 %head.5:0
  %body.5:4 = load <8 x float>, ptr %body.5:3, align 4
  %body.5:5 = fmul <8 x float> %body.5:2, %body.5:4
  %body.5:6 = getelementptr float, ptr %body.4:21, i64 %head.5:0
  %body.5:7 = load <8 x float>, ptr %body.5:6, align 4
  %body.5:8 = fadd <8 x float> %body.5:5, %body.5:7
  %body.5:9 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %body.5:8)
  %body.5:10 = fcmp ogt <8 x float> %body.5:9, splat(float 0x4022333340000000)
  %body.5:11 = select  <8 x i1> %body.5:10, <8 x float> splat(float 0x4022333340000000), <8 x float> %body.5:9
  %body.5:12 = fadd <8 x float> %body.5:11, %body.5:11
  %body.5:13 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.5:12, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %body.5:14 = fsub <8 x float> %body.5:13, splat(float 0x4168000000000000)
  %body.5:15 = bitcast <8 x float> %body.5:13 to <8 x i32>
  %body.5:16 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %body.5:17 = sub <8 x i32> %body.5:15, %body.5:16
  %body.5:18 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.5:14, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %body.5:12)
  %body.5:19 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.5:14, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %body.5:18)
  %body.5:20 = fmul <8 x float> %body.5:19, %body.5:19
  %body.5:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %body.5:19, <8 x float> splat(float 0x3f81215820000000))
  %body.5:22 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.5:21, <8 x float> %body.5:19, <8 x float> splat(float 0x3fa5555140000000))
  %body.5:23 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.5:22, <8 x float> %body.5:19, <8 x float> splat(float 0x3fc5554d40000000))
  %body.5:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.5:23, <8 x float> %body.5:19, <8 x float> splat(float 0x3fe0000000000000))
  %body.5:25 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.5:20, <8 x float> %body.5:24, <8 x float> %body.5:19)
  %body.5:26 = add <8 x i32> %body.5:17, splat(i32 127)
  %body.5:27 = shl <8 x i32> %body.5:26, splat(i32 23)
  %body.5:28 = bitcast <8 x i32> %body.5:27 to <8 x float>
  %body.5:29 = fsub <8 x float> %body.5:28, splat(float 0x3ff0000000000000)
  %body.5:30 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.5:28, <8 x float> %body.5:25, <8 x float> %body.5:29)
  %body.5:31 = fadd <8 x float> %body.5:30, splat(float 0x4000000000000000)
  %body.5:32 = fdiv <8 x float> %body.5:30, %body.5:31
  %body.5:33 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %body.5:32, <8 x float> %body.5:8)
  %body.5:34 = getelementptr float, ptr %body.4:23, i64 %head.5:0
  store <8 x float> %body.5:33, ptr %body.5:34, align 4
  br label %"head.5"
after.5:
  %after.5:0 = sub i64 %after.2:122, %head.5:0
  %after.5:1 = icmp sgt i64 %after.5:0, 0
  br i1 %after.5:1, label %"after.5.if", label %"after.5.endif"
after.5.if:
  %after.5.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.5:0, i32 0
  %after.5.if:1 = shufflevector <8 x i64> %after.5.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.5.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.5.if:1
  %after.5.if:3 = getelementptr float, ptr %body.4:15, i64 %head.5:0
  %after.5.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.5.if:3, i32 4, <8 x i1> %after.5.if:2, <8 x float> splat(float              0x0))
  %after.5.if:5 = fdiv <8 x float> %after.5.if:4, %body.4:32
  %after.5.if:6 = getelementptr float, ptr %body.4:19, i64 %head.5:0
  %after.5.if:7 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.5.if:6, i32 4, <8 x i1> %after.5.if:2, <8 x float> splat(float              0x0))
  %after.5.if:8 = fmul <8 x float> %after.5.if:5, %after.5.if:7
  %after.5.if:9 = getelementptr float, ptr %body.4:21, i64 %head.5:0
  %after.5.if:10 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.5.if:9, i32 4, <8 x i1> %after.5.if:2, <8 x float> splat(float              0x0))
  %after.5.if:11 = fadd <8 x float> %after.5.if:8, %after.5.if:10
  %after.5.if:12 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %after.5.if:11)
  %after.5.if:13 = fcmp ogt <8 x float> %after.5.if:12, splat(float 0x4022333340000000)
  %after.5.if:14 = select  <8 x i1> %after.5.if:13, <8 x float> splat(float 0x4022333340000000), <8 x float> %after.5.if:12
  %after.5.if:15 = fadd <8 x float> %after.5.if:14, %after.5.if:14
  %after.5.if:16 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.5.if:15, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %after.5.if:17 = fsub <8 x float> %after.5.if:16, splat(float 0x4168000000000000)
  %after.5.if:18 = bitcast <8 x float> %after.5.if:16 to <8 x i32>
  %after.5.if:19 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %after.5.if:20 = sub <8 x i32> %after.5.if:18, %after.5.if:19
  %after.5.if:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.5.if:17, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %after.5.if:15)
  %after.5.if:22 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.5.if:17, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %after.5.if:21)
  %after.5.if:23 = fmul <8 x float> %after.5.if:22, %after.5.if:22
  %after.5.if:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %after.5.if:22, <8 x float> splat(float 0x3f81215820000000))
  %after.5.if:25 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.5.if:24, <8 x float> %after.5.if:22, <8 x float> splat(float 0x3fa5555140000000))
  %after.5.if:26 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.5.if:25, <8 x float> %after.5.if:22, <8 x float> splat(float 0x3fc5554d40000000))
  %after.5.if:27 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.5.if:26, <8 x float> %after.5.if:22, <8 x float> splat(float 0x3fe0000000000000))
  %after.5.if:28 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.5.if:23, <8 x float> %after.5.if:27, <8 x float> %after.5.if:22)
  %after.5.if:29 = add <8 x i32> %after.5.if:20, splat(i32 127)
  %after.5.if:30 = shl <8 x i32> %after.5.if:29, splat(i32 23)
  %after.5.if:31 = bitcast <8 x i32> %after.5.if:30 to <8 x float>
  %after.5.if:32 = fsub <8 x float> %after.5.if:31, splat(float 0x3ff0000000000000)
  %after.5.if:33 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.5.if:31, <8 x float> %after.5.if:28, <8 x float> %after.5.if:32)
  %after.5.if:34 = fadd <8 x float> %after.5.if:33, splat(float 0x4000000000000000)
  %after.5.if:35 = fdiv <8 x float> %after.5.if:33, %after.5.if:34
  %after.5.if:36 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %after.5.if:35, <8 x float> %after.5.if:11)
  %after.5.if:37 = getelementptr float, ptr %body.4:23, i64 %head.5:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.5.if:36, ptr %after.5.if:37, i32 4, <8 x i1> %after.5.if:2)
  br label %"after.5.endif"
after.5.endif:
  br label %"head.4"
}

declare <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %argument:0, i32 %argument:1, <8 x i1> %argument:2, <8 x float> %argument:3)

declare void @"llvm.masked.store.v8f32.p0"(<8 x float> %argument:0, ptr %argument:1, i32 %argument:2, <8 x i1> %argument:3)

declare <8 x float> @"llvm.sqrt.v8f32"(<8 x float> %argument:0)

declare <8 x float> @"llvm.fabs.v8f32"(<8 x float> %argument:0)

declare <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1, <8 x float> %argument:2)

declare <8 x float> @"llvm.copysign.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1)

define void @"after"(ptr %argument:0, ptr %argument:1, ptr %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6)
{
entry:
  ret void
}
