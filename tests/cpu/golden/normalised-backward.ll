declare void @"conveyor_product_avx2_f32"(ptr %argument:0, i64 %argument:1, ptr %argument:2, ptr %argument:3, i64 %argument:4, i64 %argument:5, i64 %".7", i64 %".8")

define void @"steps"(ptr %argument:0, i64 %argument:1, i64 %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5)
{
entry:
  %entry:0 = alloca <8 x float>
  %entry:1 = alloca <8 x float>
  br label %"head"
head:
  %head:0 = phi  i64 [0, %"entry"], [%head:1, %"after.7"]
  %head:1 = add i64 %head:0, 1
  %head:2 = icmp sle i64 %head:1, %argument:2
  br i1 %head:2, label %"body", label %"after"
body:
  %body:0 = mul i64 %head:0, %argument:3
  %body:1 = add i64 %argument:1, %body:0
  br label %"head.1"
after:
  ret void
head.1:
  %head.1:0 = phi  i64 [%argument:4, %"body"], [%head.1:1, %"after.2.endif"]
  %head.1:1 = add i64 %head.1:0, 1
  %head.1:2 = icmp sle i64 %head.1:1, %argument:5
  br i1 %head.1:2, label %"body.1", label %"after.1"
body.1:
  %body.1:0 = getelementptr i64, ptr %argument:0, i64 0
  %body.1:1 = load ptr, ptr %body.1:0
  %body.1:2 = getelementptr i64, ptr %argument:0, i64 1
  %body.1:3 = load i64, ptr %body.1:2
  %body.1:4 = getelementptr i64, ptr %argument:0, i64 2
  %body.1:5 = load i64, ptr %body.1:4
  %body.1:6 = getelementptr i64, ptr %argument:0, i64 3
  %body.1:7 = load i64, ptr %body.1:6
  %body.1:8 = getelementptr i64, ptr %argument:0, i64 4
  %body.1:9 = load i64, ptr %body.1:8
  %body.1:10 = add i64 %body:1, %body.1:9
  %body.1:11 = and i64 %body.1:10, %body.1:7
  %body.1:12 = mul i64 %body.1:11, %body.1:3
  %body.1:13 = mul i64 %head.1:0, %body.1:5
  %body.1:14 = add i64 %body.1:12, %body.1:13
  %body.1:15 = getelementptr float, ptr %body.1:1, i64 %body.1:14
  %body.1:16 = getelementptr i64, ptr %argument:0, i64 5
  %body.1:17 = load ptr, ptr %body.1:16
  %body.1:18 = getelementptr i64, ptr %argument:0, i64 6
  %body.1:19 = load i64, ptr %body.1:18
  %body.1:20 = getelementptr i64, ptr %argument:0, i64 7
  %body.1:21 = load i64, ptr %body.1:20
  %body.1:22 = getelementptr i64, ptr %argument:0, i64 8
  %body.1:23 = load i64, ptr %body.1:22
  %body.1:24 = getelementptr i64, ptr %argument:0, i64 9
  %body.1:25 = load i64, ptr %body.1:24
  %body.1:26 = add i64 %body:1, %body.1:25
  %body.1:27 = and i64 %body.1:26, %body.1:23
  %body.1:28 = mul i64 %body.1:27, %body.1:19
  %body.1:29 = mul i64 %head.1:0, %body.1:21
  %body.1:30 = add i64 %body.1:28, %body.1:29
  %body.1:31 = getelementptr float, ptr %body.1:17, i64 %body.1:30
  %body.1:32 = load float, ptr %body.1:15
  %body.1:33 = insertelement <8 x float> splat(float undef), float %body.1:32, i32 0
  %body.1:34 = shufflevector <8 x float> %body.1:33, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.1:35 = fmul <8 x float> splat(float 0x4000000000000000), %body.1:34
  %body.1:36 = extractelement <8 x float> %body.1:35, i32 0
  store float %body.1:36, ptr %body.1:31
  %body.1:37 = getelementptr i64, ptr %argument:0, i64 10
  %body.1:38 = load ptr, ptr %body.1:37
  %body.1:39 = getelementptr i64, ptr %argument:0, i64 11
  %body.1:40 = load i64, ptr %body.1:39
  %body.1:41 = getelementptr i64, ptr %argument:0, i64 12
  %body.1:42 = load i64, ptr %body.1:41
  %body.1:43 = getelementptr i64, ptr %argument:0, i64 13
  %body.1:44 = load i64, ptr %body.1:43
  %body.1:45 = getelementptr i64, ptr %argument:0, i64 14
  %body.1:46 = load i64, ptr %body.1:45
  %body.1:47 = add i64 %body:1, %body.1:46
  %body.1:48 = and i64 %body.1:47, %body.1:44
  %body.1:49 = mul i64 %body.1:48, %body.1:40
  %body.1:50 = mul i64 %head.1:0, %body.1:42
  %body.1:51 = add i64 %body.1:49, %body.1:50
  %body.1:52 = getelementptr float, ptr %body.1:38, i64 %body.1:51
  %body.1:53 = getelementptr i64, ptr %argument:0, i64 0
  %body.1:54 = load ptr, ptr %body.1:53
  %body.1:55 = getelementptr i64, ptr %argument:0, i64 1
  %body.1:56 = load i64, ptr %body.1:55
  %body.1:57 = getelementptr i64, ptr %argument:0, i64 2
  %body.1:58 = load i64, ptr %body.1:57
  %body.1:59 = getelementptr i64, ptr %argument:0, i64 3
  %body.1:60 = load i64, ptr %body.1:59
  %body.1:61 = getelementptr i64, ptr %argument:0, i64 4
  %body.1:62 = load i64, ptr %body.1:61
  %body.1:63 = add i64 %body:1, %body.1:62
  %body.1:64 = and i64 %body.1:63, %body.1:60
  %body.1:65 = mul i64 %body.1:64, %body.1:56
  %body.1:66 = mul i64 %head.1:0, %body.1:58
  %body.1:67 = add i64 %body.1:65, %body.1:66
  %body.1:68 = getelementptr float, ptr %body.1:54, i64 %body.1:67
  %body.1:69 = getelementptr i64, ptr %argument:0, i64 15
  %body.1:70 = load ptr, ptr %body.1:69
  %body.1:71 = getelementptr i64, ptr %argument:0, i64 16
  %body.1:72 = load i64, ptr %body.1:71
  %body.1:73 = getelementptr i64, ptr %argument:0, i64 17
  %body.1:74 = load i64, ptr %body.1:73
  %body.1:75 = getelementptr i64, ptr %argument:0, i64 18
  %body.1:76 = load i64, ptr %body.1:75
  %body.1:77 = getelementptr i64, ptr %argument:0, i64 19
  %body.1:78 = load i64, ptr %body.1:77
  %body.1:79 = add i64 %body:1, %body.1:78
  %body.1:80 = and i64 %body.1:79, %body.1:76
  %body.1:81 = mul i64 %body.1:80, %body.1:72
  %body.1:82 = mul i64 %head.1:0, %body.1:74
  %body.1:83 = add i64 %body.1:81, %body.1:82
  %body.1:84 = getelementptr float, ptr %body.1:70, i64 %body.1:83
  %body.1:85 = getelementptr i64, ptr %argument:0, i64 20
  %body.1:86 = load ptr, ptr %body.1:85
  %body.1:87 = getelementptr i64, ptr %argument:0, i64 21
  %body.1:88 = load i64, ptr %body.1:87
  %body.1:89 = getelementptr i64, ptr %argument:0, i64 22
  %body.1:90 = load i64, ptr %body.1:89
  %body.1:91 = getelementptr i64, ptr %argument:0, i64 23
  %body.1:92 = load i64, ptr %body.1:91
  %body.1:93 = getelementptr i64, ptr %argument:0, i64 24
  %body.1:94 = load i64, ptr %body.1:93
  %body.1:95 = add i64 %body:1, %body.1:94
  %body.1:96 = and i64 %body.1:95, %body.1:92
  %body.1:97 = mul i64 %body.1:96, %body.1:88
  %body.1:98 = mul i64 %head.1:0, %body.1:90
  %body.1:99 = add i64 %body.1:97, %body.1:98
  %body.1:100 = getelementptr float, ptr %body.1:86, i64 %body.1:99
  %body.1:101 = getelementptr i64, ptr %argument:0, i64 25
  %body.1:102 = load ptr, ptr %body.1:101
  %body.1:103 = getelementptr i64, ptr %argument:0, i64 26
  %body.1:104 = load i64, ptr %body.1:103
  %body.1:105 = getelementptr i64, ptr %argument:0, i64 27
  %body.1:106 = load i64, ptr %body.1:105
  %body.1:107 = getelementptr i64, ptr %argument:0, i64 28
  %body.1:108 = load i64, ptr %body.1:107
  %body.1:109 = getelementptr i64, ptr %argument:0, i64 29
  %body.1:110 = load i64, ptr %body.1:109
  %body.1:111 = add i64 %body:1, %body.1:110
  %body.1:112 = and i64 %body.1:111, %body.1:108
  %body.1:113 = mul i64 %body.1:112, %body.1:104
  %body.1:114 = mul i64 %head.1:0, %body.1:106
  %body.1:115 = add i64 %body.1:113, %body.1:114
  %body.1:116 = getelementptr float, ptr %body.1:102, i64 %body.1:115
  %body.1:117 = getelementptr i64, ptr %argument:0, i64 30
  %body.1:118 = load ptr, ptr %body.1:117
  %body.1:119 = getelementptr i64, ptr %argument:0, i64 31
  %body.1:120 = load i64, ptr %body.1:119
  %body.1:121 = getelementptr i64, ptr %argument:0, i64 32
  %body.1:122 = load i64, ptr %body.1:121
  %body.1:123 = getelementptr i64, ptr %argument:0, i64 33
  %body.1:124 = load i64, ptr %body.1:123
  %body.1:125 = getelementptr i64, ptr %argument:0, i64 34
  %body.1:126 = load i64, ptr %body.1:125
  %body.1:127 = add i64 %body:1, %body.1:126
  %body.1:128 = and i64 %body.1:127, %body.1:124
  %body.1:129 = mul i64 %body.1:128, %body.1:120
  %body.1:130 = mul i64 %head.1:0, %body.1:122
  %body.1:131 = add i64 %body.1:129, %body.1:130
  %body.1:132 = getelementptr float, ptr %body.1:118, i64 %body.1:131
  %body.1:133 = getelementptr i64, ptr %argument:0, i64 35
  %body.1:134 = load ptr, ptr %body.1:133
  %body.1:135 = getelementptr i64, ptr %argument:0, i64 36
  %body.1:136 = load i64, ptr %body.1:135
  %body.1:137 = getelementptr i64, ptr %argument:0, i64 37
  %body.1:138 = load i64, ptr %body.1:137
  %body.1:139 = getelementptr i64, ptr %argument:0, i64 38
  %body.1:140 = load i64, ptr %body.1:139
  %body.1:141 = getelementptr i64, ptr %argument:0, i64 39
  %body.1:142 = load i64, ptr %body.1:141
  %body.1:143 = add i64 %body:1, %body.1:142
  %body.1:144 = and i64 %body.1:143, %body.1:140
  %body.1:145 = mul i64 %body.1:144, %body.1:136
  %body.1:146 = mul i64 %head.1:0, %body.1:138
  %body.1:147 = add i64 %body.1:145, %body.1:146
  %body.1:148 = getelementptr float, ptr %body.1:134, i64 %body.1:147
  %body.1:149 = getelementptr i64, ptr %argument:0, i64 40
  %body.1:150 = load ptr, ptr %body.1:149
  %body.1:151 = getelementptr i64, ptr %argument:0, i64 41
  %body.1:152 = load i64, ptr %body.1:151
  %body.1:153 = getelementptr i64, ptr %argument:0, i64 42
  %body.1:154 = load i64, ptr %body.1:153
  %body.1:155 = getelementptr i64, ptr %argument:0, i64 43
  %body.1:156 = load i64, ptr %body.1:155
  %body.1:157 = getelementptr i64, ptr %argument:0, i64 44
  %body.1:158 = load i64, ptr %body.1:157
  %body.1:159 = add i64 %body:1, %body.1:158
  %body.1:160 = and i64 %body.1:159, %body.1:156
  %body.1:161 = mul i64 %body.1:160, %body.1:152
  %body.1:162 = mul i64 %head.1:0, %body.1:154
  %body.1:163 = add i64 %body.1:161, %body.1:162
  %body.1:164 = getelementptr float, ptr %body.1:150, i64 %body.1:163
  %body.1:165 = getelementptr i64, ptr %argument:0, i64 45
  %body.1:166 = load ptr, ptr %body.1:165
  %body.1:167 = getelementptr i64, ptr %argument:0, i64 46
  %body.1:168 = load i64, ptr %body.1:167
  %body.1:169 = getelementptr i64, ptr %argument:0, i64 47
  %body.1:170 = load i64, ptr %body.1:169
  %body.1:171 = getelementptr i64, ptr %argument:0, i64 48
  %body.1:172 = load i64, ptr %body.1:171
  %body.1:173 = getelementptr i64, ptr %argument:0, i64 49
  %body.1:174 = load i64, ptr %body.1:173
  %body.1:175 = add i64 %body:1, %body.1:174
  %body.1:176 = and i64 %body.1:175, %body.1:172
  %body.1:177 = mul i64 %body.1:176, %body.1:168
  %body.1:178 = mul i64 %head.1:0, %body.1:170
  %body.1:179 = add i64 %body.1:177, %body.1:178
  %body.1:180 = getelementptr float, ptr %body.1:166, i64 %body.1:179
  %body.1:181 = getelementptr i64, ptr %argument:0, i64 50
  %body.1:182 = load ptr, ptr %body.1:181
  %body.1:183 = getelementptr i64, ptr %argument:0, i64 51
  %body.1:184 = load i64, ptr %body.1:183
  %body.1:185 = getelementptr i64, ptr %argument:0, i64 52
  %body.1:186 = load i64, ptr %body.1:185
  %body.1:187 = getelementptr i64, ptr %argument:0, i64 53
  %body.1:188 = load i64, ptr %body.1:187
  %body.1:189 = getelementptr i64, ptr %argument:0, i64 54
  %body.1:190 = load i64, ptr %body.1:189
  %body.1:191 = add i64 %body:1, %body.1:190
  %body.1:192 = and i64 %body.1:191, %body.1:188
  %body.1:193 = mul i64 %body.1:192, %body.1:184
  %body.1:194 = mul i64 %head.1:0, %body.1:186
  %body.1:195 = add i64 %body.1:193, %body.1:194
  %body.1:196 = getelementptr float, ptr %body.1:182, i64 %body.1:195
  %body.1:197 = load float, ptr %body.1:68
  %body.1:198 = insertelement <8 x float> splat(float undef), float %body.1:197, i32 0
  %body.1:199 = shufflevector <8 x float> %body.1:198, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.1:200 = getelementptr i64, ptr %argument:0, i64 55
  %body.1:201 = load i64, ptr %body.1:200
  store <8 x float> splat(float              0x0), <8 x float>* %entry:0
  br label %"head.2"
after.1:
  br label %"head.3"
head.2:
  %head.2:0 = phi  i64 [0, %"body.1"], [%head.2:1, %"body.2"]
  %head.2:1 = add i64 %head.2:0, 8
  %head.2:2 = icmp sle i64 %head.2:1, %body.1:201
  br i1 %head.2:2, label %"body.2", label %"after.2"
body.2:
  %body.2:0 = getelementptr float, ptr %body.1:52, i64 %head.2:0
  %body.2:1 = load <8 x float>, ptr %body.2:0, align 4
  %body.2:2 = getelementptr float, ptr %body.1:84, i64 %head.2:0
  %body.2:3 = load <8 x float>, ptr %body.2:2, align 4
  %body.2:4 = getelementptr float, ptr %body.1:100, i64 %head.2:0
  %body.2:5 = load <8 x float>, ptr %body.2:4, align 4
  %body.2:6 = getelementptr float, ptr %body.1:116, i64 %head.2:0
  %body.2:7 = load <8 x float>, ptr %body.2:6, align 4
  %body.2:8 = getelementptr float, ptr %body.1:132, i64 %head.2:0
  %body.2:9 = load <8 x float>, ptr %body.2:8, align 4
  %body.2:10 = getelementptr float, ptr %body.1:148, i64 %head.2:0
  %body.2:11 = load <8 x float>, ptr %body.2:10, align 4
  %body.2:12 = fadd <8 x float> %body.2:9, %body.2:11
  %body.2:13 = fmul <8 x float> %body.2:7, %body.2:7
  %body.2:14 = fsub <8 x float> splat(float 0x3ff0000000000000), %body.2:13
  %body.2:15 = fmul <8 x float> %body.2:12, %body.2:14
  %body.2:16 = fmul <8 x float> %body.2:15, %body.2:5
  %body.2:17 = fdiv <8 x float> %body.2:16, %body.1:199
  %body.2:18 = fmul <8 x float> %body.2:16, %body.2:3
  %body.2:19 = fdiv <8 x float> %body.2:18, %body.1:199
  %body.2:20 = fneg <8 x float> %body.2:19
  %body.2:21 = fmul <8 x float> splat(float 0x4000000000000000), %body.2:1
  %body.2:22 = getelementptr float, ptr %body.1:164, i64 %head.2:0
  store <8 x float> %body.2:17, ptr %body.2:22, align 4
  %body.2:23 = getelementptr float, ptr %body.1:180, i64 %head.2:0
  store <8 x float> %body.2:21, ptr %body.2:23, align 4
  %body.2:24 = getelementptr float, ptr %body.1:196, i64 %head.2:0
  store <8 x float> %body.2:15, ptr %body.2:24, align 4
  %body.2:25 = load <8 x float>, <8 x float>* %entry:0
  %body.2:26 = fadd <8 x float> %body.2:25, %body.2:20
  store <8 x float> %body.2:26, <8 x float>* %entry:0
  br label %"head.2"
after.2:
  %after.2:0 = sub i64 %body.1:201, %head.2:0
  %after.2:1 = icmp sgt i64 %after.2:0, 0
  br i1 %after.2:1, label %"after.2.if", label %"after.2.endif"
after.2.if:
  %after.2.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.2:0, i32 0
  %after.2.if:1 = shufflevector <8 x i64> %after.2.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.2.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.2.if:1
  %after.2.if:3 = getelementptr float, ptr %body.1:52, i64 %head.2:0
  %after.2.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:3, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:5 = getelementptr float, ptr %body.1:84, i64 %head.2:0
  %after.2.if:6 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:5, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:7 = getelementptr float, ptr %body.1:100, i64 %head.2:0
  %after.2.if:8 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:7, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:9 = getelementptr float, ptr %body.1:116, i64 %head.2:0
  %after.2.if:10 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:9, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:11 = getelementptr float, ptr %body.1:132, i64 %head.2:0
  %after.2.if:12 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:11, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:13 = getelementptr float, ptr %body.1:148, i64 %head.2:0
  %after.2.if:14 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:13, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:15 = fadd <8 x float> %after.2.if:12, %after.2.if:14
  %after.2.if:16 = fmul <8 x float> %after.2.if:10, %after.2.if:10
  %after.2.if:17 = fsub <8 x float> splat(float 0x3ff0000000000000), %after.2.if:16
  %after.2.if:18 = fmul <8 x float> %after.2.if:15, %after.2.if:17
  %after.2.if:19 = fmul <8 x float> %after.2.if:18, %after.2.if:8
  %after.2.if:20 = fdiv <8 x float> %after.2.if:19, %body.1:199
  %after.2.if:21 = fmul <8 x float> %after.2.if:19, %after.2.if:6
  %after.2.if:22 = fdiv <8 x float> %after.2.if:21, %body.1:199
  %after.2.if:23 = fneg <8 x float> %after.2.if:22
  %after.2.if:24 = fmul <8 x float> splat(float 0x4000000000000000), %after.2.if:4
  %after.2.if:25 = getelementptr float, ptr %body.1:164, i64 %head.2:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.2.if:20, ptr %after.2.if:25, i32 4, <8 x i1> %after.2.if:2)
  %after.2.if:26 = getelementptr float, ptr %body.1:180, i64 %head.2:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.2.if:24, ptr %after.2.if:26, i32 4, <8 x i1> %after.2.if:2)
  %after.2.if:27 = getelementptr float, ptr %body.1:196, i64 %head.2:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.2.if:18, ptr %after.2.if:27, i32 4, <8 x i1> %after.2.if:2)
  %after.2.if:28 = load <8 x float>, <8 x float>* %entry:0
  %after.2.if:29 = fadd <8 x float> %after.2.if:28, %after.2.if:23
  %after.2.if:30 = select  <8 x i1> %after.2.if:2, <8 x float> %after.2.if:29, <8 x float> %after.2.if:28
  store <8 x float> %after.2.if:30, <8 x float>* %entry:0
  br label %"after.2.endif"
after.2.endif:
  %after.2.endif:0 = load <8 x float>, <8 x float>* %entry:0
  %after.2.endif:1 = shufflevector <8 x float> %after.2.endif:0, <8 x float> %after.2.endif:0, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 4, i32 5, i32 6, i32 7>
  %after.2.endif:2 = fadd <8 x float> %after.2.endif:0, %after.2.endif:1
  %after.2.endif:3 = shufflevector <8 x float> %after.2.endif:2, <8 x float> %after.2.endif:2, <8 x i32> <i32 2, i32 3, i32 2, i32 3, i32 2, i32 3, i32 2, i32 3>
  %after.2.endif:4 = fadd <8 x float> %after.2.endif:2, %after.2.endif:3
  %after.2.endif:5 = shufflevector <8 x float> %after.2.endif:4, <8 x float> %after.2.endif:4, <8 x i32> splat(i32 1)
  %after.2.endif:6 = fadd <8 x float> %after.2.endif:4, %after.2.endif:5
  %after.2.endif:7 = extractelement <8 x float> %after.2.endif:6, i32 0
  %after.2.endif:8 = getelementptr i64, ptr %argument:0, i64 56
  %after.2.endif:9 = load ptr, ptr %after.2.endif:8
  %after.2.endif:10 = getelementptr i64, ptr %argument:0, i64 57
  %after.2.endif:11 = load i64, ptr %after.2.endif:10
  %after.2.endif:12 = getelementptr i64, ptr %argument:0, i64 58
  %after.2.endif:13 = load i64, ptr %after.2.endif:12
  %after.2.endif:14 = getelementptr i64, ptr %argument:0, i64 59
  %after.2.endif:15 = load i64, ptr %after.2.endif:14
  %after.2.endif:16 = getelementptr i64, ptr %argument:0, i64 60
  %after.2.endif:17 = load i64, ptr %after.2.endif:16
  %after.2.endif:18 = add i64 %body:1, %after.2.endif:17
  %after.2.endif:19 = and i64 %after.2.endif:18, %after.2.endif:15
  %after.2.endif:20 = mul i64 %after.2.endif:19, %after.2.endif:11
  %after.2.endif:21 = mul i64 %head.1:0, %after.2.endif:13
  %after.2.endif:22 = add i64 %after.2.endif:20, %after.2.endif:21
  %after.2.endif:23 = getelementptr float, ptr %after.2.endif:9, i64 %after.2.endif:22
  store float %after.2.endif:7, ptr %after.2.endif:23
  br label %"head.1"
head.3:
  %head.3:0 = phi  i64 [%argument:4, %"after.1"], [%head.3:1, %"after.4.endif"]
  %head.3:1 = add i64 %head.3:0, 1
  %head.3:2 = icmp sle i64 %head.3:1, %argument:5
  br i1 %head.3:2, label %"body.3", label %"after.3"
body.3:
  %body.3:0 = getelementptr i64, ptr %argument:0, i64 40
  %body.3:1 = load ptr, ptr %body.3:0
  %body.3:2 = getelementptr i64, ptr %argument:0, i64 41
  %body.3:3 = load i64, ptr %body.3:2
  %body.3:4 = getelementptr i64, ptr %argument:0, i64 42
  %body.3:5 = load i64, ptr %body.3:4
  %body.3:6 = getelementptr i64, ptr %argument:0, i64 43
  %body.3:7 = load i64, ptr %body.3:6
  %body.3:8 = getelementptr i64, ptr %argument:0, i64 44
  %body.3:9 = load i64, ptr %body.3:8
  %body.3:10 = add i64 %body:1, %body.3:9
  %body.3:11 = and i64 %body.3:10, %body.3:7
  %body.3:12 = mul i64 %body.3:11, %body.3:3
  %body.3:13 = mul i64 %head.3:0, %body.3:5
  %body.3:14 = add i64 %body.3:12, %body.3:13
  %body.3:15 = getelementptr float, ptr %body.3:1, i64 %body.3:14
  %body.3:16 = getelementptr i64, ptr %argument:0, i64 56
  %body.3:17 = load ptr, ptr %body.3:16
  %body.3:18 = getelementptr i64, ptr %argument:0, i64 57
  %body.3:19 = load i64, ptr %body.3:18
  %body.3:20 = getelementptr i64, ptr %argument:0, i64 58
  %body.3:21 = load i64, ptr %body.3:20
  %body.3:22 = getelementptr i64, ptr %argument:0, i64 59
  %body.3:23 = load i64, ptr %body.3:22
  %body.3:24 = getelementptr i64, ptr %argument:0, i64 60
  %body.3:25 = load i64, ptr %body.3:24
  %body.3:26 = add i64 %body:1, %body.3:25
  %body.3:27 = and i64 %body.3:26, %body.3:23
  %body.3:28 = mul i64 %body.3:27, %body.3:19
  %body.3:29 = mul i64 %head.3:0, %body.3:21
  %body.3:30 = add i64 %body.3:28, %body.3:29
  %body.3:31 = getelementptr float, ptr %body.3:17, i64 %body.3:30
  %body.3:32 = getelementptr i64, ptr %argument:0, i64 5
  %body.3:33 = load ptr, ptr %body.3:32
  %body.3:34 = getelementptr i64, ptr %argument:0, i64 6
  %body.3:35 = load i64, ptr %body.3:34
  %body.3:36 = getelementptr i64, ptr %argument:0, i64 7
  %body.3:37 = load i64, ptr %body.3:36
  %body.3:38 = getelementptr i64, ptr %argument:0, i64 8
  %body.3:39 = load i64, ptr %body.3:38
  %body.3:40 = getelementptr i64, ptr %argument:0, i64 9
  %body.3:41 = load i64, ptr %body.3:40
  %body.3:42 = add i64 %body:1, %body.3:41
  %body.3:43 = and i64 %body.3:42, %body.3:39
  %body.3:44 = mul i64 %body.3:43, %body.3:35
  %body.3:45 = mul i64 %head.3:0, %body.3:37
  %body.3:46 = add i64 %body.3:44, %body.3:45
  %body.3:47 = getelementptr float, ptr %body.3:33, i64 %body.3:46
  %body.3:48 = getelementptr i64, ptr %argument:0, i64 45
  %body.3:49 = load ptr, ptr %body.3:48
  %body.3:50 = getelementptr i64, ptr %argument:0, i64 46
  %body.3:51 = load i64, ptr %body.3:50
  %body.3:52 = getelementptr i64, ptr %argument:0, i64 47
  %body.3:53 = load i64, ptr %body.3:52
  %body.3:54 = getelementptr i64, ptr %argument:0, i64 48
  %body.3:55 = load i64, ptr %body.3:54
  %body.3:56 = getelementptr i64, ptr %argument:0, i64 49
  %body.3:57 = load i64, ptr %body.3:56
  %body.3:58 = add i64 %body:1, %body.3:57
  %body.3:59 = and i64 %body.3:58, %body.3:55
  %body.3:60 = mul i64 %body.3:59, %body.3:51
  %body.3:61 = mul i64 %head.3:0, %body.3:53
  %body.3:62 = add i64 %body.3:60, %body.3:61
  %body.3:63 = getelementptr float, ptr %body.3:49, i64 %body.3:62
  %body.3:64 = getelementptr i64, ptr %argument:0, i64 61
  %body.3:65 = load ptr, ptr %body.3:64
  %body.3:66 = getelementptr i64, ptr %argument:0, i64 62
  %body.3:67 = load i64, ptr %body.3:66
  %body.3:68 = getelementptr i64, ptr %argument:0, i64 63
  %body.3:69 = load i64, ptr %body.3:68
  %body.3:70 = getelementptr i64, ptr %argument:0, i64 64
  %body.3:71 = load i64, ptr %body.3:70
  %body.3:72 = getelementptr i64, ptr %argument:0, i64 65
  %body.3:73 = load i64, ptr %body.3:72
  %body.3:74 = add i64 %body:1, %body.3:73
  %body.3:75 = and i64 %body.3:74, %body.3:71
  %body.3:76 = mul i64 %body.3:75, %body.3:67
  %body.3:77 = mul i64 %head.3:0, %body.3:69
  %body.3:78 = add i64 %body.3:76, %body.3:77
  %body.3:79 = getelementptr float, ptr %body.3:65, i64 %body.3:78
  %body.3:80 = getelementptr i64, ptr %argument:0, i64 55
  %body.3:81 = load i64, ptr %body.3:80
  %body.3:82 = sitofp i64 %body.3:81 to float
  %body.3:83 = insertelement <8 x float> splat(float undef), float %body.3:82, i32 0
  %body.3:84 = shufflevector <8 x float> %body.3:83, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.3:85 = load float, ptr %body.3:31
  %body.3:86 = insertelement <8 x float> splat(float undef), float %body.3:85, i32 0
  %body.3:87 = shufflevector <8 x float> %body.3:86, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.3:88 = load float, ptr %body.3:47
  %body.3:89 = insertelement <8 x float> splat(float undef), float %body.3:88, i32 0
  %body.3:90 = shufflevector <8 x float> %body.3:89, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.3:91 = fdiv <8 x float> %body.3:87, %body.3:90
  %body.3:92 = fdiv <8 x float> %body.3:91, %body.3:84
  %body.3:93 = getelementptr i64, ptr %argument:0, i64 55
  %body.3:94 = load i64, ptr %body.3:93
  store <8 x float> splat(float              0x0), <8 x float>* %entry:1
  br label %"head.4"
after.3:
  br label %"head.5"
head.4:
  %head.4:0 = phi  i64 [0, %"body.3"], [%head.4:1, %"body.4"]
  %head.4:1 = add i64 %head.4:0, 8
  %head.4:2 = icmp sle i64 %head.4:1, %body.3:94
  br i1 %head.4:2, label %"body.4", label %"after.4"
body.4:
  %body.4:0 = getelementptr float, ptr %body.3:15, i64 %head.4:0
  %body.4:1 = load <8 x float>, ptr %body.4:0, align 4
  %body.4:2 = getelementptr float, ptr %body.3:63, i64 %head.4:0
  %body.4:3 = load <8 x float>, ptr %body.4:2, align 4
  %body.4:4 = fmul <8 x float> %body.3:92, %body.4:3
  %body.4:5 = fadd <8 x float> %body.4:1, %body.4:4
  %body.4:6 = fneg <8 x float> %body.4:5
  %body.4:7 = getelementptr float, ptr %body.3:79, i64 %head.4:0
  store <8 x float> %body.4:5, ptr %body.4:7, align 4
  %body.4:8 = load <8 x float>, <8 x float>* %entry:1
  %body.4:9 = fadd <8 x float> %body.4:8, %body.4:6
  store <8 x float> %body.4:9, <8 x float>* %entry:1
  br label %"head.4"
after.4:
  %after.4:0 = sub i64 %body.3:94, %head.4:0
  %after.4:1 = icmp sgt i64 %after.4:0, 0
  br i1 %after.4:1, label %"after.4.if", label %"after.4.endif"
after.4.if:
  %after.4.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.4:0, i32 0
  %after.4.if:1 = shufflevector <8 x i64> %after.4.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.4.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.4.if:1
  %after.4.if:3 = getelementptr float, ptr %body.3:15, i64 %head.4:0
  %after.4.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.4.if:3, i32 4, <8 x i1> %after.4.if:2, <8 x float> splat(float              0x0))
  %after.4.if:5 = getelementptr float, ptr %body.3:63, i64 %head.4:0
  %after.4.if:6 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.4.if:5, i32 4, <8 x i1> %after.4.if:2, <8 x float> splat(float              0x0))
  %after.4.if:7 = fmul <8 x float> %body.3:92, %after.4.if:6
  %after.4.if:8 = fadd <8 x float> %after.4.if:4, %after.4.if:7
  %after.4.if:9 = fneg <8 x float> %after.4.if:8
  %after.4.if:10 = getelementptr float, ptr %body.3:79, i64 %head.4:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.4.if:8, ptr %after.4.if:10, i32 4, <8 x i1> %after.4.if:2)
  %after.4.if:11 = load <8 x float>, <8 x float>* %entry:1
  %after.4.if:12 = fadd <8 x float> %after.4.if:11, %after.4.if:9
  %after.4.if:13 = select  <8 x i1> %after.4.if:2, <8 x float> %after.4.if:12, <8 x float> %after.4.if:11
  store <8 x float> %after.4.if:13, <8 x float>* %entry:1
  br label %"after.4.endif"
after.4.endif:
  %after.4.endif:0 = load <8 x float>, <8 x float>* %entry:1
  %after.4.endif:1 = shufflevector <8 x float> %after.4.endif:0, <8 x float> %after.4.endif:0, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 4, i32 5, i32 6, i32 7>
  %after.4.endif:2 = fadd <8 x float> %after.4.endif:0, %after.4.endif:1
  %after.4.endif:3 = shufflevector <8 x float> %after.4.endif:2, <8 x float> %after.4.endif:2, <8 x i32> <i32 2, i32 3, i32 2, i32 3, i32 2, i32 3, i32 2, i32 3>
  %after.4.endif:4 = fadd <8 x float> %after.4.endif:2, %after.4.endif:3
  %after.4.endif:5 = shufflevector <8 x float> %after.4.endif:4, <8 x float> %after.4.endif:4, <8 x i32> splat(i32 1)
  %after.4.endif:6 = fadd <8 x float> %after.4.endif:4, %after.4.endif:5
  %after.4.endif:7 = extractelement <8 x float> %after.4.endif:6, i32 0
  %after.4.endif:8 = getelementptr i64, ptr %argument:0, i64 66
  %after.4.endif:9 = load ptr, ptr %after.4.endif:8
  %after.4.endif:10 = getelementptr i64, ptr %argument:0, i64 67
  %after.4.endif:11 = load i64, ptr %after.4.endif:10
  %after.4.endif:12 = getelementptr i64, ptr %argument:0, i64 68
  %after.4.endif:13 = load i64, ptr %after.4.endif:12
  %after.4.endif:14 = getelementptr i64, ptr %argument:0, i64 69
  %after.4.endif:15 = load i64, ptr %after.4.endif:14
  %after.4.endif:16 = getelementptr i64, ptr %argument:0, i64 70
  %after.4.endif:17 = load i64, ptr %after.4.endif:16
  %after.4.endif:18 = add i64 %body:1, %after.4.endif:17
  %after.4.endif:19 = and i64 %after.4.endif:18, %after.4.endif:15
  %after.4.endif:20 = mul i64 %after.4.endif:19, %after.4.endif:11
  %after.4.endif:21 = mul i64 %head.3:0, %after.4.endif:13
  %after.4.endif:22 = add i64 %after.4.endif:20, %after.4.endif:21
  %after.4.endif:23 = getelementptr float, ptr %after.4.endif:9, i64 %after.4.endif:22
  store float %after.4.endif:7, ptr %after.4.endif:23
  br label %"head.3"
head.5:
  %head.5:0 = phi  i64 [%argument:4, %"after.3"], [%head.5:1, %"after.6.endif"]
  %head.5:1 = add i64 %head.5:0, 1
  %head.5:2 = icmp sle i64 %head.5:1, %argument:5
  br i1 %head.5:2, label %"body.5", label %"after.5"
body.5:
  %body.5:0 = getelementptr i64, ptr %argument:0, i64 61
  %body.5:1 = load ptr, ptr %body.5:0
  %body.5:2 = getelementptr i64, ptr %argument:0, i64 62
  %body.5:3 = load i64, ptr %body.5:2
  %body.5:4 = getelementptr i64, ptr %argument:0, i64 63
  %body.5:5 = load i64, ptr %body.5:4
  %body.5:6 = getelementptr i64, ptr %argument:0, i64 64
  %body.5:7 = load i64, ptr %body.5:6
  %body.5:8 = getelementptr i64, ptr %argument:0, i64 65
  %body.5:9 = load i64, ptr %body.5:8
  %body.5:10 = add i64 %body:1, %body.5:9
  %body.5:11 = and i64 %body.5:10, %body.5:7
  %body.5:12 = mul i64 %body.5:11, %body.5:3
  %body.5:13 = mul i64 %head.5:0, %body.5:5
  %body.5:14 = add i64 %body.5:12, %body.5:13
  %body.5:15 = getelementptr float, ptr %body.5:1, i64 %body.5:14
  %body.5:16 = getelementptr i64, ptr %argument:0, i64 66
  %body.5:17 = load ptr, ptr %body.5:16
  %body.5:18 = getelementptr i64, ptr %argument:0, i64 67
  %body.5:19 = load i64, ptr %body.5:18
  %body.5:20 = getelementptr i64, ptr %argument:0, i64 68
  %body.5:21 = load i64, ptr %body.5:20
  %body.5:22 = getelementptr i64, ptr %argument:0, i64 69
  %body.5:23 = load i64, ptr %body.5:22
  %body.5:24 = getelementptr i64, ptr %argument:0, i64 70
  %body.5:25 = load i64, ptr %body.5:24
  %body.5:26 = add i64 %body:1, %body.5:25
  %body.5:27 = and i64 %body.5:26, %body.5:23
  %body.5:28 = mul i64 %body.5:27, %body.5:19
  %body.5:29 = mul i64 %head.5:0, %body.5:21
  %body.5:30 = add i64 %body.5:28, %body.5:29
  %body.5:31 = getelementptr float, ptr %body.5:17, i64 %body.5:30
  %body.5:32 = getelementptr i64, ptr %argument:0, i64 71
  %body.5:33 = load ptr, ptr %body.5:32
  %body.5:34 = getelementptr i64, ptr %argument:0, i64 72
  %body.5:35 = load i64, ptr %body.5:34
  %body.5:36 = getelementptr i64, ptr %argument:0, i64 73
  %body.5:37 = load i64, ptr %body.5:36
  %body.5:38 = getelementptr i64, ptr %argument:0, i64 74
  %body.5:39 = load i64, ptr %body.5:38
  %body.5:40 = getelementptr i64, ptr %argument:0, i64 75
  %body.5:41 = load i64, ptr %body.5:40
  %body.5:42 = add i64 %body:1, %body.5:41
  %body.5:43 = and i64 %body.5:42, %body.5:39
  %body.5:44 = mul i64 %body.5:43, %body.5:35
  %body.5:45 = mul i64 %head.5:0, %body.5:37
  %body.5:46 = add i64 %body.5:44, %body.5:45
  %body.5:47 = getelementptr float, ptr %body.5:33, i64 %body.5:46
  %body.5:48 = getelementptr i64, ptr %argument:0, i64 55
  %body.5:49 = load i64, ptr %body.5:48
  %body.5:50 = sitofp i64 %body.5:49 to float
  %body.5:51 = insertelement <8 x float> splat(float undef), float %body.5:50, i32 0
  %body.5:52 = shufflevector <8 x float> %body.5:51, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.5:53 = load float, ptr %body.5:31
  %body.5:54 = insertelement <8 x float> splat(float undef), float %body.5:53, i32 0
  %body.5:55 = shufflevector <8 x float> %body.5:54, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.5:56 = fdiv <8 x float> %body.5:55, %body.5:52
  %body.5:57 = getelementptr i64, ptr %argument:0, i64 55
  %body.5:58 = load i64, ptr %body.5:57
  br label %"head.6"
after.5:
  %after.5:0 = getelementptr i64, ptr %argument:0, i64 76
  %after.5:1 = load ptr, ptr %after.5:0
  %after.5:2 = getelementptr i64, ptr %argument:0, i64 77
  %after.5:3 = load i64, ptr %after.5:2
  %after.5:4 = getelementptr i64, ptr %argument:0, i64 78
  %after.5:5 = load i64, ptr %after.5:4
  %after.5:6 = getelementptr i64, ptr %argument:0, i64 71
  %after.5:7 = load ptr, ptr %after.5:6
  %after.5:8 = getelementptr i64, ptr %argument:0, i64 72
  %after.5:9 = load i64, ptr %after.5:8
  %after.5:10 = getelementptr i64, ptr %argument:0, i64 73
  %after.5:11 = load i64, ptr %after.5:10
  %after.5:12 = getelementptr i64, ptr %argument:0, i64 74
  %after.5:13 = load i64, ptr %after.5:12
  %after.5:14 = getelementptr i64, ptr %argument:0, i64 75
  %after.5:15 = load i64, ptr %after.5:14
  %after.5:16 = add i64 %body:1, %after.5:15
  %after.5:17 = and i64 %after.5:16, %after.5:13
  %after.5:18 = mul i64 %after.5:17, %after.5:9
  %after.5:19 = mul i64 %argument:4, %after.5:11
  %after.5:20 = add i64 %after.5:18, %after.5:19
  %after.5:21 = getelementptr float, ptr %after.5:7, i64 %after.5:20
  %after.5:22 = getelementptr i64, ptr %argument:0, i64 73
  %after.5:23 = load i64, ptr %after.5:22
  %after.5:24 = getelementptr i64, ptr %argument:0, i64 79
  %after.5:25 = load ptr, ptr %after.5:24
  %after.5:26 = getelementptr i64, ptr %argument:0, i64 80
  %after.5:27 = load i64, ptr %after.5:26
  %after.5:28 = getelementptr i64, ptr %argument:0, i64 81
  %after.5:29 = load i64, ptr %after.5:28
  %after.5:30 = getelementptr i64, ptr %argument:0, i64 82
  %after.5:31 = load i64, ptr %after.5:30
  %after.5:32 = getelementptr i64, ptr %argument:0, i64 83
  %after.5:33 = load i64, ptr %after.5:32
  %after.5:34 = add i64 %body:1, %after.5:33
  %after.5:35 = and i64 %after.5:34, %after.5:31
  %after.5:36 = mul i64 %after.5:35, %after.5:27
  %after.5:37 = mul i64 %argument:4, %after.5:29
  %after.5:38 = add i64 %after.5:36, %after.5:37
  %after.5:39 = getelementptr float, ptr %after.5:25, i64 %after.5:38
  %after.5:40 = getelementptr i64, ptr %argument:0, i64 81
  %after.5:41 = load i64, ptr %after.5:40
  %after.5:42 = sub i64 %argument:5, %argument:4
  call void @"conveyor_product_avx2_f32"(ptr %after.5:21, i64 %after.5:23, ptr %after.5:1, ptr %after.5:39, i64 %after.5:41, i64 %after.5:42, i64 %after.5:3, i64 %after.5:5)
  br label %"head.7"
head.6:
  %head.6:0 = phi  i64 [0, %"body.5"], [%head.6:1, %"body.6"]
  %head.6:1 = add i64 %head.6:0, 8
  %head.6:2 = icmp sle i64 %head.6:1, %body.5:58
  br i1 %head.6:2, label %"body.6", label %"after.6"
body.6:
  %body.6:0 = getelementptr float, ptr %body.5:15, i64 %head.6:0
  %body.6:1 = load <8 x float>, ptr %body.6:0, align 4
  %body.6:2 = fadd <8 x float> %body.6:1, %body.5:56
  %body.6:3 = getelementptr float, ptr %body.5:47, i64 %head.6:0
  store <8 x float> %body.6:2, ptr %body.6:3, align 4
  br label %"head.6"
after.6:
  %after.6:0 = sub i64 %body.5:58, %head.6:0
  %after.6:1 = icmp sgt i64 %after.6:0, 0
  br i1 %after.6:1, label %"after.6.if", label %"after.6.endif"
after.6.if:
  %after.6.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.6:0, i32 0
  %after.6.if:1 = shufflevector <8 x i64> %after.6.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.6.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.6.if:1
  %after.6.if:3 = getelementptr float, ptr %body.5:15, i64 %head.6:0
  %after.6.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.6.if:3, i32 4, <8 x i1> %after.6.if:2, <8 x float> splat(float              0x0))
  %after.6.if:5 = fadd <8 x float> %after.6.if:4, %body.5:56
  %after.6.if:6 = getelementptr float, ptr %body.5:47, i64 %head.6:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.6.if:5, ptr %after.6.if:6, i32 4, <8 x i1> %after.6.if:2)
  br label %"after.6.endif"
after.6.endif:
  br label %"head.5"
head.7:
  %head.7:0 = phi  i64 [%argument:4, %"after.5"], [%head.7:1, %"after.8.endif"]
  %head.7:1 = add i64 %head.7:0, 1
  %head.7:2 = icmp sle i64 %head.7:1, %argument:5
  br i1 %head.7:2, label %"body.7", label %"after.7"
body.7:
  %body.7:0 = getelementptr i64, ptr %argument:0, i64 79
  %body.7:1 = load ptr, ptr %body.7:0
  %body.7:2 = getelementptr i64, ptr %argument:0, i64 80
  %body.7:3 = load i64, ptr %body.7:2
  %body.7:4 = getelementptr i64, ptr %argument:0, i64 81
  %body.7:5 = load i64, ptr %body.7:4
  %body.7:6 = getelementptr i64, ptr %argument:0, i64 82
  %body.7:7 = load i64, ptr %body.7:6
  %body.7:8 = getelementptr i64, ptr %argument:0, i64 83
  %body.7:9 = load i64, ptr %body.7:8
  %body.7:10 = add i64 %body:1, %body.7:9
  %body.7:11 = and i64 %body.7:10, %body.7:7
  %body.7:12 = mul i64 %body.7:11, %body.7:3
  %body.7:13 = mul i64 %head.7:0, %body.7:5
  %body.7:14 = add i64 %body.7:12, %body.7:13
  %body.7:15 = getelementptr float, ptr %body.7:1, i64 %body.7:14
  %body.7:16 = getelementptr i64, ptr %argument:0, i64 84
  %body.7:17 = load ptr, ptr %body.7:16
  %body.7:18 = getelementptr i64, ptr %argument:0, i64 85
  %body.7:19 = load i64, ptr %body.7:18
  %body.7:20 = getelementptr i64, ptr %argument:0, i64 86
  %body.7:21 = load i64, ptr %body.7:20
  %body.7:22 = getelementptr i64, ptr %argument:0, i64 87
  %body.7:23 = load i64, ptr %body.7:22
  %body.7:24 = getelementptr i64, ptr %argument:0, i64 88
  %body.7:25 = load i64, ptr %body.7:24
  %body.7:26 = add i64 %body:1, %body.7:25
  %body.7:27 = and i64 %body.7:26, %body.7:23
  %body.7:28 = mul i64 %body.7:27, %body.7:19
  %body.7:29 = mul i64 %head.7:0, %body.7:21
  %body.7:30 = add i64 %body.7:28, %body.7:29
  %body.7:31 = getelementptr float, ptr %body.7:17, i64 %body.7:30
  %body.7:32 = getelementptr i64, ptr %argument:0, i64 55
  %body.7:33 = load i64, ptr %body.7:32
  br label %"head.8"
after.7:
  br label %"head"
head.8:
  %head.8:0 = phi  i64 [0, %"body.7"], [%head.8:1, %"body.8"]
  %head.8:1 = add i64 %head.8:0, 8
  %head.8:2 = icmp sle i64 %head.8:1, %body.7:33
  br i1 %head.8:2, label %"body.8", label %"after.8"
body.8:
  %body.8:0 = getelementptr float, ptr %body.7:15, i64 %head.8:0
  %body.8:1 = load <8 x float>, ptr %body.8:0, align 4
  %body.8:2 = getelementptr float, ptr %body.7:31, i64 %head.8:0
  store <8 x float> %body.8:1, ptr %body.8:2, align 4
  br label %"head.8"
after.8:
  %after.8:0 = sub i64 %body.7:33, %head.8:0
  %after.8:1 = icmp sgt i64 %after.8:0, 0
  br i1 %after.8:1, label %"after.8.if", label %"after.8.endif"
after.8.if:
  %after.8.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.8:0, i32 0
  %after.8.if:1 = shufflevector <8 x i64> %after.8.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.8.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.8.if:1
  %after.8.if:3 = getelementptr float, ptr %body.7:15, i64 %head.8:0
  %after.8.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.8.if:3, i32 4, <8 x i1> %after.8.if:2, <8 x float> splat(float              0x0))
  %after.8.if:5 = getelementptr float, ptr %body.7:31, i64 %head.8:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.8.if:4, ptr %after.8.if:5, i32 4, <8 x i1> %after.8.if:2)
  br label %"after.8.endif"
after.8.endif:
  br label %"head.7"
}

declare <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %argument:0, i32 %argument:1, <8 x i1> %argument:2, <8 x float> %argument:3)

declare void @"llvm.masked.store.v8f32.p0"(<8 x float> %argument:0, ptr %argument:1, i32 %argument:2, <8 x i1> %argument:3)
