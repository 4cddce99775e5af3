declare void @"conveyor_product_avx2_f32"(ptr %argument:0, i64 %argument:1, ptr %argument:2, ptr %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6, i64 %argument:7, i64 %argument:8, i64 %argument:9)

declare void @"conveyor_wait_avx2_f32"(ptr %argument:0, i64 %argument:1)

define void @"loop"(ptr %argument:0, ptr %argument:1, i64 %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6, i64 %argument:7, i64 %argument:8, i64 %argument:9)
{
entry:
  %entry:0 = alloca i64, i32 5
  %entry:1 = icmp ne i64 %argument:5, 0
  %entry:2 = sub i64 %argument:3, %argument:2
  %entry:3 = getelementptr i64, ptr %argument:0, i64 2
  %entry:4 = load i64, ptr %entry:3
  %entry:5 = getelementptr i64, ptr %argument:0, i64 3
  %entry:6 = load i64, ptr %entry:5
  %entry:7 = getelementptr i64, ptr %argument:0, i64 4
  %entry:8 = load i64, ptr %entry:7
  %entry:9 = getelementptr i64, ptr %argument:0, i64 0
  %entry:10 = load i64, ptr %entry:9
  %entry:11 = getelementptr ptr, ptr %argument:1, i64 %entry:10
  %entry:12 = load ptr, ptr %entry:11
  %entry:13 = getelementptr i64, ptr %argument:0, i64 1
  %entry:14 = load i64, ptr %entry:13
  %entry:15 = getelementptr i8, ptr %entry:12, i64 %entry:14
  %entry:16 = getelementptr i64, ptr %argument:0, i64 7
  %entry:17 = load i64, ptr %entry:16
  %entry:18 = getelementptr i64, ptr %argument:0, i64 8
  %entry:19 = load i64, ptr %entry:18
  %entry:20 = getelementptr i64, ptr %argument:0, i64 9
  %entry:21 = load i64, ptr %entry:20
  %entry:22 = getelementptr i64, ptr %argument:0, i64 5
  %entry:23 = load i64, ptr %entry:22
  %entry:24 = getelementptr ptr, ptr %argument:1, i64 %entry:23
  %entry:25 = load ptr, ptr %entry:24
  %entry:26 = getelementptr i64, ptr %argument:0, i64 6
  %entry:27 = load i64, ptr %entry:26
  %entry:28 = getelementptr i8, ptr %entry:25, i64 %entry:27
  %entry:29 = getelementptr i64, ptr %argument:0, i64 12
  %entry:30 = load i64, ptr %entry:29
  %entry:31 = getelementptr i64, ptr %argument:0, i64 13
  %entry:32 = load i64, ptr %entry:31
  %entry:33 = getelementptr i64, ptr %argument:0, i64 14
  %entry:34 = load i64, ptr %entry:33
  %entry:35 = getelementptr i64, ptr %argument:0, i64 10
  %entry:36 = load i64, ptr %entry:35
  %entry:37 = getelementptr ptr, ptr %argument:1, i64 %entry:36
  %entry:38 = load ptr, ptr %entry:37
  %entry:39 = getelementptr i64, ptr %argument:0, i64 11
  %entry:40 = load i64, ptr %entry:39
  %entry:41 = getelementptr i8, ptr %entry:38, i64 %entry:40
  %entry:42 = getelementptr i64, ptr %argument:0, i64 17
  %entry:43 = load i64, ptr %entry:42
  %entry:44 = getelementptr i64, ptr %argument:0, i64 18
  %entry:45 = load i64, ptr %entry:44
  %entry:46 = getelementptr i64, ptr %argument:0, i64 19
  %entry:47 = load i64, ptr %entry:46
  %entry:48 = getelementptr i64, ptr %argument:0, i64 15
  %entry:49 = load i64, ptr %entry:48
  %entry:50 = getelementptr ptr, ptr %argument:1, i64 %entry:49
  %entry:51 = load ptr, ptr %entry:50
  %entry:52 = getelementptr i64, ptr %argument:0, i64 16
  %entry:53 = load i64, ptr %entry:52
  %entry:54 = getelementptr i8, ptr %entry:51, i64 %entry:53
  %entry:55 = getelementptr i64, ptr %argument:0, i64 20
  %entry:56 = load i64, ptr %entry:55
  %entry:57 = add i64 %entry:56, 15
  %entry:58 = sdiv i64 %entry:57, 16
  %entry:59 = add i64 %argument:8, 1
  %entry:60 = mul i64 %entry:58, %argument:8
  %entry:61 = sdiv i64 %entry:60, %argument:9
  %entry:62 = mul i64 %entry:61, 16
  %entry:63 = mul i64 %entry:58, %entry:59
  %entry:64 = sdiv i64 %entry:63, %argument:9
  %entry:65 = mul i64 %entry:64, 16
  %entry:66 = icmp slt i64 %entry:62, %entry:56
  %entry:67 = select  i1 %entry:66, i64 %entry:62, i64 %entry:56
  %entry:68 = icmp slt i64 %entry:65, %entry:56
  %entry:69 = select  i1 %entry:68, i64 %entry:65, i64 %entry:56
  %entry:70 = getelementptr i64, ptr %argument:0, i64 20
  %entry:71 = load i64, ptr %entry:70
  %entry:72 = add i64 %entry:71, 15
  %entry:73 = sdiv i64 %entry:72, 16
  %entry:74 = add i64 %argument:8, 1
  %entry:75 = mul i64 %entry:73, %argument:8
  %entry:76 = sdiv i64 %entry:75, %argument:9
  %entry:77 = mul i64 %entry:76, 16
  %entry:78 = mul i64 %entry:73, %entry:74
  %entry:79 = sdiv i64 %entry:78, %argument:9
  %entry:80 = mul i64 %entry:79, 16
  %entry:81 = icmp slt i64 %entry:77, %entry:71
  %entry:82 = select  i1 %entry:81, i64 %entry:77, i64 %entry:71
  %entry:83 = icmp slt i64 %entry:80, %entry:71
  %entry:84 = select  i1 %entry:83, i64 %entry:80, i64 %entry:71
  %entry:85 = getelementptr i64, ptr %argument:0, i64 23
  %entry:86 = load i64, ptr %entry:85
  %entry:87 = getelementptr i64, ptr %argument:0, i64 24
  %entry:88 = load i64, ptr %entry:87
  %entry:89 = getelementptr i64, ptr %argument:0, i64 25
  %entry:90 = load i64, ptr %entry:89
  %entry:91 = getelementptr i64, ptr %argument:0, i64 26
  %entry:92 = load i64, ptr %entry:91
  %entry:93 = getelementptr i64, ptr %argument:0, i64 21
  %entry:94 = load i64, ptr %entry:93
  %entry:95 = getelementptr ptr, ptr %argument:1, i64 %entry:94
  %entry:96 = load ptr, ptr %entry:95
  %entry:97 = getelementptr i64, ptr %argument:0, i64 22
  %entry:98 = load i64, ptr %entry:97
  %entry:99 = getelementptr i8, ptr %entry:96, i64 %entry:98
  %entry:100 = getelementptr i64, ptr %argument:0, i64 29
  %entry:101 = load i64, ptr %entry:100
  %entry:102 = getelementptr i64, ptr %argument:0, i64 30
  %entry:103 = load i64, ptr %entry:102
  %entry:104 = getelementptr i64, ptr %argument:0, i64 31
  %entry:105 = load i64, ptr %entry:104
  %entry:106 = getelementptr i64, ptr %argument:0, i64 27
  %entry:107 = load i64, ptr %entry:106
  %entry:108 = getelementptr ptr, ptr %argument:1, i64 %entry:107
  %entry:109 = load ptr, ptr %entry:108
  %entry:110 = getelementptr i64, ptr %argument:0, i64 28
  %entry:111 = load i64, ptr %entry:110
  %entry:112 = getelementptr i8, ptr %entry:109, i64 %entry:111
  %entry:113 = getelementptr i64, ptr %argument:0, i64 7
  %entry:114 = load i64, ptr %entry:113
  %entry:115 = getelementptr i64, ptr %argument:0, i64 8
  %entry:116 = load i64, ptr %entry:115
  %entry:117 = getelementptr i64, ptr %argument:0, i64 9
  %entry:118 = load i64, ptr %entry:117
  %entry:119 = getelementptr i64, ptr %argument:0, i64 5
  %entry:120 = load i64, ptr %entry:119
  %entry:121 = getelementptr ptr, ptr %argument:1, i64 %entry:120
  %entry:122 = load ptr, ptr %entry:121
  %entry:123 = getelementptr i64, ptr %argument:0, i64 6
  %entry:124 = load i64, ptr %entry:123
  %entry:125 = getelementptr i8, ptr %entry:122, i64 %entry:124
  %entry:126 = sub i64 %entry:84, %entry:82
  %entry:127 = sdiv i64 %entry:126, 64
  %entry:128 = mul i64 %entry:127, 64
  %entry:129 = add i64 %entry:82, %entry:128
  %entry:130 = add i64 0, %entry:127
  %entry:131 = sub i64 %entry:84, %entry:129
  %entry:132 = sdiv i64 %entry:131, 32
  %entry:133 = mul i64 %entry:132, 32
  %entry:134 = add i64 %entry:129, %entry:133
  %entry:135 = add i64 %entry:130, %entry:132
  %entry:136 = sub i64 %entry:84, %entry:134
  %entry:137 = sdiv i64 %entry:136, 16
  %entry:138 = mul i64 %entry:137, 16
  %entry:139 = add i64 %entry:134, %entry:138
  %entry:140 = add i64 %entry:135, %entry:137
  %entry:141 = sub i64 %entry:84, %entry:139
  %entry:142 = add i64 %entry:141, 7
  %entry:143 = sdiv i64 %entry:142, 8
  %entry:144 = mul i64 %entry:143, 8
  %entry:145 = add i64 %entry:139, %entry:144
  %entry:146 = add i64 %entry:140, %entry:143
  br label %"head"
head:
  %head:0 = phi  i64 [0, %"entry"], [%head:1, %"after.1.endif"]
  %head:1 = add i64 %head:0, 1
  %head:2 = icmp sle i64 %head:1, %entry:2
  br i1 %head:2, label %"body", label %"after"
body:
  %body:0 = sub i64 %argument:3, 1
  %body:1 = sub i64 %body:0, %head:0
  %body:2 = add i64 %argument:2, %head:0
  %body:3 = select  i1 %entry:1, i64 %body:1, i64 %body:2
  %body:4 = and i64 %body:3, 1
  %body:5 = sub i64 %body:3, 1
  %body:6 = sub i64 %body:3, %argument:4
  %body:7 = xor i64 %body:4, 1
  %body:8 = getelementptr i64, i64* %entry:0, i64 0
  store i64 %body:3, i64* %body:8
  %body:9 = getelementptr i64, i64* %entry:0, i64 1
  store i64 %body:5, i64* %body:9
  %body:10 = getelementptr i64, i64* %entry:0, i64 2
  store i64 %body:6, i64* %body:10
  %body:11 = getelementptr i64, i64* %entry:0, i64 3
  store i64 %body:4, i64* %body:11
  %body:12 = getelementptr i64, i64* %entry:0, i64 4
  store i64 %body:7, i64* %body:12
  %body:13 = getelementptr i64, i64* %entry:0, i64 %entry:4
  %body:14 = load i64, i64* %body:13
  %body:15 = mul i64 %body:14, %entry:6
  %body:16 = getelementptr float, ptr %entry:15, i64 %body:15
  %body:17 = getelementptr i64, i64* %entry:0, i64 %entry:17
  %body:18 = load i64, i64* %body:17
  %body:19 = mul i64 %body:18, %entry:19
  %body:20 = getelementptr float, ptr %entry:28, i64 %body:19
  %body:21 = getelementptr i64, i64* %entry:0, i64 %entry:30
  %body:22 = load i64, i64* %body:21
  %body:23 = mul i64 %body:22, %entry:32
  %body:24 = getelementptr float, ptr %entry:41, i64 %body:23
  %body:25 = getelementptr i64, i64* %entry:0, i64 %entry:43
  %body:26 = load i64, i64* %body:25
  %body:27 = mul i64 %body:26, %entry:45
  %body:28 = getelementptr float, ptr %entry:54, i64 %body:27
  %body:29 = getelementptr i64, i64* %entry:0, i64 %entry:101
  %body:30 = load i64, i64* %body:29
  %body:31 = mul i64 %body:30, %entry:103
  %body:32 = getelementptr float, ptr %entry:112, i64 %body:31
  %body:33 = getelementptr i64, i64* %entry:0, i64 %entry:114
  %body:34 = load i64, i64* %body:33
  %body:35 = mul i64 %body:34, %entry:116
  %body:36 = getelementptr float, ptr %entry:125, i64 %body:35
  %body:37 = icmp ne i64 %body:4, 0
  br label %"head.1"
after:
  ret void
head.1:
  %head.1:0 = phi  i64 [0, %"body"], [%head.1:1, %"after.6"]
  %head.1:1 = add i64 %head.1:0, 1
  %head.1:2 = icmp sle i64 %head.1:1, %entry:146
  br i1 %head.1:2, label %"body.1", label %"after.1"
body.1:
  %body.1:0 = sub i64 %entry:146, 1
  %body.1:1 = sub i64 %body.1:0, %head.1:0
  %body.1:2 = select  i1 %body:37, i64 %body.1:1, i64 %head.1:0
  %body.1:3 = icmp slt i64 %body.1:2, %entry:130
  br i1 %body.1:3, label %"block", label %"kind"
after.1:
  %after.1:0 = icmp sgt i64 %argument:9, 1
  br i1 %after.1:0, label %"after.1.if", label %"after.1.endif"
units:
  %units:0 = phi  i64 [%block:2, %"after.2"], [%block.1:2, %"after.3"], [%block.2:2, %"after.4"], [%block.3:2, %"after.5"]
  %units:1 = phi  i64 [%block:3, %"after.2"], [%block.1:3, %"after.3"], [%block.2:3, %"after.4"], [%block.3:5, %"after.5"]
  br label %"head.6"
block:
  %block:0 = sub i64 %body.1:2, 0
  %block:1 = mul i64 %block:0, 64
  %block:2 = add i64 %entry:82, %block:1
  %block:3 = add i64 %block:2, 64
  %block:4 = sub i64 1, 0
  br label %"head.2"
kind:
  %kind:0 = icmp slt i64 %body.1:2, %entry:135
  br i1 %kind:0, label %"block.1", label %"kind.1"
head.2:
  %head.2:0 = phi  i64 [0, %"block"], [%head.2:1, %"done"]
  %head.2:1 = add i64 %head.2:0, 1
  %head.2:2 = icmp sle i64 %head.2:1, %block:4
  br i1 %head.2:2, label %"body.2", label %"after.2"
body.2:
  %body.2:0 = add i64 0, %head.2:0
  %body.2:1 = add i64 %block:2, 0
  %body.2:2 = mul i64 %body.2:1, %entry:92
  %body.2:3 = getelementptr float, ptr %entry:99, i64 %body.2:2
  %body.2:4 = add i64 %block:2, 16
  %body.2:5 = mul i64 %body.2:4, %entry:92
  %body.2:6 = getelementptr float, ptr %entry:99, i64 %body.2:5
  %body.2:7 = add i64 %block:2, 32
  %body.2:8 = mul i64 %body.2:7, %entry:92
  %body.2:9 = getelementptr float, ptr %entry:99, i64 %body.2:8
  %body.2:10 = add i64 %block:2, 48
  %body.2:11 = mul i64 %body.2:10, %entry:92
  %body.2:12 = getelementptr float, ptr %entry:99, i64 %body.2:11
  %body.2:13 = mul i64 %entry:90, 16
  %body.2:14 = mul i64 %body.2:0, %entry:105
  %body.2:15 = getelementptr float, ptr %body:32, i64 %body.2:14
  %body.2:16 = icmp sgt i64 %entry:86, 0
  br i1 %body.2:16, label %"k", label %"done"
after.2:
  br label %"units"
k:
  %k:0 = phi  i64 [0, %"body.2"], [%k:49, %"k"]
  %k:1 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:41, %"k"]
  %k:2 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:42, %"k"]
  %k:3 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:43, %"k"]
  %k:4 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:44, %"k"]
  %k:5 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:45, %"k"]
  %k:6 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:46, %"k"]
  %k:7 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:47, %"k"]
  %k:8 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:48, %"k"]
  %k:9 = mul i64 %k:0, %body.2:13
  %k:10 = add i64 %k:9, 0
  %k:11 = getelementptr float, ptr %body.2:3, i64 %k:10
  %k:12 = load <8 x float>, ptr %k:11, align 4
  %k:13 = add i64 %k:9, 8
  %k:14 = getelementptr float, ptr %body.2:3, i64 %k:13
  %k:15 = load <8 x float>, ptr %k:14, align 4
  %k:16 = add i64 %k:9, 0
  %k:17 = getelementptr float, ptr %body.2:6, i64 %k:16
  %k:18 = load <8 x float>, ptr %k:17, align 4
  %k:19 = add i64 %k:9, 8
  %k:20 = getelementptr float, ptr %body.2:6, i64 %k:19
  %k:21 = load <8 x float>, ptr %k:20, align 4
  %k:22 = add i64 %k:9, 0
  %k:23 = getelementptr float, ptr %body.2:9, i64 %k:22
  %k:24 = load <8 x float>, ptr %k:23, align 4
  %k:25 = add i64 %k:9, 8
  %k:26 = getelementptr float, ptr %body.2:9, i64 %k:25
  %k:27 = load <8 x float>, ptr %k:26, align 4
  %k:28 = add i64 %k:9, 0
  %k:29 = getelementptr float, ptr %body.2:12, i64 %k:28
  %k:30 = load <8 x float>, ptr %k:29, align 4
  %k:31 = add i64 %k:9, 8
  %k:32 = getelementptr float, ptr %body.2:12, i64 %k:31
  %k:33 = load <8 x float>, ptr %k:32, align 4
  %k:34 = mul i64 0, %entry:105
  %k:35 = mul i64 %k:0, 1
  %k:36 = add i64 %k:34, %k:35
  %k:37 = getelementptr float, ptr %body.2:15, i64 %k:36
  %k:38 = load float, ptr %k:37
  %k:39 = insertelement <8 x float> splat(float undef), float %k:38, i32 0
  %k:40 = shufflevector <8 x float> %k:39, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %k:41 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k:40, <8 x float> %k:12, <8 x float> %k:1)
  %k:42 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k:40, <8 x float> %k:15, <8 x float> %k:2)
  %k:43 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k:40, <8 x float> %k:18, <8 x float> %k:3)
  %k:44 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k:40, <8 x float> %k:21, <8 x float> %k:4)
  %k:45 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k:40, <8 x float> %k:24, <8 x float> %k:5)
  %k:46 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k:40, <8 x float> %k:27, <8 x float> %k:6)
  %k:47 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k:40, <8 x float> %k:30, <8 x float> %k:7)
  %k:48 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k:40, <8 x float> %k:33, <8 x float> %k:8)
  %k:49 = add i64 %k:0, 1
  %k:50 = icmp slt i64 %k:49, %entry:86
  br i1 %k:50, label %"k", label %"done"
done:
  %done:0 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:41, %"k"]
  %done:1 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:42, %"k"]
  %done:2 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:43, %"k"]
  %done:3 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:44, %"k"]
  %done:4 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:45, %"k"]
  %done:5 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:46, %"k"]
  %done:6 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:47, %"k"]
  %done:7 = phi  <8 x float> [splat(float              0x0), %"body.2"], [%k:48, %"k"]
  %done:8 = add i64 %body.2:0, 0
  %done:9 = mul i64 %done:8, %entry:118
  %done:10 = getelementptr float, ptr %body:36, i64 %done:9
  %done:11 = add i64 %block:2, 0
  %done:12 = getelementptr float, ptr %done:10, i64 %done:11
  store <8 x float> %done:0, ptr %done:12, align 4
  %done:13 = add i64 %block:2, 8
  %done:14 = getelementptr float, ptr %done:10, i64 %done:13
  store <8 x float> %done:1, ptr %done:14, align 4
  %done:15 = add i64 %body.2:0, 0
  %done:16 = mul i64 %done:15, %entry:118
  %done:17 = getelementptr float, ptr %body:36, i64 %done:16
  %done:18 = add i64 %block:2, 16
  %done:19 = getelementptr float, ptr %done:17, i64 %done:18
  store <8 x float> %done:2, ptr %done:19, align 4
  %done:20 = add i64 %block:2, 24
  %done:21 = getelementptr float, ptr %done:17, i64 %done:20
  store <8 x float> %done:3, ptr %done:21, align 4
  %done:22 = add i64 %body.2:0, 0
  %done:23 = mul i64 %done:22, %entry:118
  %done:24 = getelementptr float, ptr %body:36, i64 %done:23
  %done:25 = add i64 %block:2, 32
  %done:26 = getelementptr float, ptr %done:24, i64 %done:25
  store <8 x float> %done:4, ptr %done:26, align 4
  %done:27 = add i64 %block:2, 40
  %done:28 = getelementptr float, ptr %done:24, i64 %done:27
  store <8 x float> %done:5, ptr %done:28, align 4
  %done:29 = add i64 %body.2:0, 0
  %done:30 = mul i64 %done:29, %entry:118
  %done:31 = getelementptr float, ptr %body:36, i64 %done:30
  %done:32 = add i64 %block:2, 48
  %done:33 = getelementptr float, ptr %done:31, i64 %done:32
  store <8 x float> %done:6, ptr %done:33, align 4
  %done:34 = add i64 %block:2, 56
  %done:35 = getelementptr float, ptr %done:31, i64 %done:34
  store <8 x float> %done:7, ptr %done:35, align 4
  br label %"head.2"
block.1:
  %block.1:0 = sub i64 %body.1:2, %entry:130
  %block.1:1 = mul i64 %block.1:0, 32
  %block.1:2 = add i64 %entry:129, %block.1:1
  %block.1:3 = add i64 %block.1:2, 32
  %block.1:4 = sub i64 1, 0
  br label %"head.3"
kind.1:
  %kind.1:0 = icmp slt i64 %body.1:2, %entry:140
  br i1 %kind.1:0, label %"block.2", label %"kind.2"
head.3:
  %head.3:0 = phi  i64 [0, %"block.1"], [%head.3:1, %"done.1"]
  %head.3:1 = add i64 %head.3:0, 1
  %head.3:2 = icmp sle i64 %head.3:1, %block.1:4
  br i1 %head.3:2, label %"body.3", label %"after.3"
body.3:
  %body.3:0 = add i64 0, %head.3:0
  %body.3:1 = add i64 %block.1:2, 0
  %body.3:2 = mul i64 %body.3:1, %entry:92
  %body.3:3 = getelementptr float, ptr %entry:99, i64 %body.3:2
  %body.3:4 = add i64 %block.1:2, 16
  %body.3:5 = mul i64 %body.3:4, %entry:92
  %body.3:6 = getelementptr float, ptr %entry:99, i64 %body.3:5
  %body.3:7 = mul i64 %entry:90, 16
  %body.3:8 = mul i64 %body.3:0, %entry:105
  %body.3:9 = getelementptr float, ptr %body:32, i64 %body.3:8
  %body.3:10 = icmp sgt i64 %entry:86, 0
  br i1 %body.3:10, label %"k.1", label %"done.1"
after.3:
  br label %"units"
k.1:
  %k.1:0 = phi  i64 [0, %"body.3"], [%k.1:29, %"k.1"]
  %k.1:1 = phi  <8 x float> [splat(float              0x0), %"body.3"], [%k.1:25, %"k.1"]
  %k.1:2 = phi  <8 x float> [splat(float              0x0), %"body.3"], [%k.1:26, %"k.1"]
  %k.1:3 = phi  <8 x float> [splat(float              0x0), %"body.3"], [%k.1:27, %"k.1"]
  %k.1:4 = phi  <8 x float> [splat(float              0x0), %"body.3"], [%k.1:28, %"k.1"]
  %k.1:5 = mul i64 %k.1:0, %body.3:7
  %k.1:6 = add i64 %k.1:5, 0
  %k.1:7 = getelementptr float, ptr %body.3:3, i64 %k.1:6
  %k.1:8 = load <8 x float>, ptr %k.1:7, align 4
  %k.1:9 = add i64 %k.1:5, 8
  %k.1:10 = getelementptr float, ptr %body.3:3, i64 %k.1:9
  %k.1:11 = load <8 x float>, ptr %k.1:10, align 4
  %k.1:12 = add i64 %k.1:5, 0
  %k.1:13 = getelementptr float, ptr %body.3:6, i64 %k.1:12
  %k.1:14 = load <8 x float>, ptr %k.1:13, align 4
  %k.1:15 = add i64 %k.1:5, 8
  %k.1:16 = getelementptr float, ptr %body.3:6, i64 %k.1:15
  %k.1:17 = load <8 x float>, ptr %k.1:16, align 4
  %k.1:18 = mul i64 0, %entry:105
  %k.1:19 = mul i64 %k.1:0, 1
  %k.1:20 = add i64 %k.1:18, %k.1:19
  %k.1:21 = getelementptr float, ptr %body.3:9, i64 %k.1:20
  %k.1:22 = load float, ptr %k.1:21
  %k.1:23 = insertelement <8 x float> splat(float undef), float %k.1:22, i32 0
  %k.1:24 = shufflevector <8 x float> %k.1:23, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %k.1:25 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k.1:24, <8 x float> %k.1:8, <8 x float> %k.1:1)
  %k.1:26 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k.1:24, <8 x float> %k.1:11, <8 x float> %k.1:2)
  %k.1:27 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k.1:24, <8 x float> %k.1:14, <8 x float> %k.1:3)
  %k.1:28 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k.1:24, <8 x float> %k.1:17, <8 x float> %k.1:4)
  %k.1:29 = add i64 %k.1:0, 1
  %k.1:30 = icmp slt i64 %k.1:29, %entry:86
  br i1 %k.1:30, label %"k.1", label %"done.1"
done.1:
  %done.1:0 = phi  <8 x float> [splat(float              0x0), %"body.3"], [%k.1:25, %"k.1"]
  %done.1:1 = phi  <8 x float> [splat(float              0x0), %"body.3"], [%k.1:26, %"k.1"]
  %done.1:2 = phi  <8 x float> [splat(float              0x0), %"body.3"], [%k.1:27, %"k.1"]
  %done.1:3 = phi  <8 x float> [splat(float              0x0), %"body.3"], [%k.1:28, %"k.1"]
  %done.1:4 = add i64 %body.3:0, 0
  %done.1:5 = mul i64 %done.1:4, %entry:118
  %done.1:6 = getelementptr float, ptr %body:36, i64 %done.1:5
  %done.1:7 = add i64 %block.1:2, 0
  %done.1:8 = getelementptr float, ptr %done.1:6, i64 %done.1:7
  store <8 x float> %done.1:0, ptr %done.1:8, align 4
  %done.1:9 = add i64 %block.1:2, 8
  %done.1:10 = getelementptr float, ptr %done.1:6, i64 %done.1:9
  store <8 x float> %done.1:1, ptr %done.1:10, align 4
  %done.1:11 = add i64 %body.3:0, 0
  %done.1:12 = mul i64 %done.1:11, %entry:118
  %done.1:13 = getelementptr float, ptr %body:36, i64 %done.1:12
  %done.1:14 = add i64 %block.1:2, 16
  %done.1:15 = getelementptr float, ptr %done.1:13, i64 %done.1:14
  store <8 x float> %done.1:2, ptr %done.1:15, align 4
  %done.1:16 = add i64 %block.1:2, 24
  %done.1:17 = getelementptr float, ptr %done.1:13, i64 %done.1:16
  store <8 x float> %done.1:3, ptr %done.1:17, align 4
  br label %"head.3"
block.2:
  %block.2:0 = sub i64 %body.1:2, %entry:135
  %block.2:1 = mul i64 %block.2:0, 16
  %block.2:2 = add i64 %entry:134, %block.2:1
  %block.2:3 = add i64 %block.2:2, 16
  %block.2:4 = sub i64 1, 0
  br label %"head.4"
kind.2:
  br label %"block.3"
head.4:
  %head.4:0 = phi  i64 [0, %"block.2"], [%head.4:1, %"done.2"]
  %head.4:1 = add i64 %head.4:0, 1
  %head.4:2 = icmp sle i64 %head.4:1, %block.2:4
  br i1 %head.4:2, label %"body.4", label %"after.4"
body.4:
  %body.4:0 = add i64 0, %head.4:0
  %body.4:1 = add i64 %block.2:2, 0
  %body.4:2 = mul i64 %body.4:1, %entry:92
  %body.4:3 = getelementptr float, ptr %entry:99, i64 %body.4:2
  %body.4:4 = mul i64 %entry:90, 16
  %body.4:5 = mul i64 %body.4:0, %entry:105
  %body.4:6 = getelementptr float, ptr %body:32, i64 %body.4:5
  %body.4:7 = icmp sgt i64 %entry:86, 0
  br i1 %body.4:7, label %"k.2", label %"done.2"
after.4:
  br label %"units"
k.2:
  %k.2:0 = phi  i64 [0, %"body.4"], [%k.2:19, %"k.2"]
  %k.2:1 = phi  <8 x float> [splat(float              0x0), %"body.4"], [%k.2:17, %"k.2"]
  %k.2:2 = phi  <8 x float> [splat(float              0x0), %"body.4"], [%k.2:18, %"k.2"]
  %k.2:3 = mul i64 %k.2:0, %body.4:4
  %k.2:4 = add i64 %k.2:3, 0
  %k.2:5 = getelementptr float, ptr %body.4:3, i64 %k.2:4
  %k.2:6 = load <8 x float>, ptr %k.2:5, align 4
  %k.2:7 = add i64 %k.2:3, 8
  %k.2:8 = getelementptr float, ptr %body.4:3, i64 %k.2:7
  %k.2:9 = load <8 x float>, ptr %k.2:8, align 4
  %k.2:10 = mul i64 0, %entry:105
  %k.2:11 = mul i64 %k.2:0, 1
  %k.2:12 = add i64 %k.2:10, %k.2:11
  %k.2:13 = getelementptr float, ptr %body.4:6, i64 %k.2:12
  %k.2:14 = load float, ptr %k.2:13
  %k.2:15 = insertelement <8 x float> splat(float undef), float %k.2:14, i32 0
  %k.2:16 = shufflevector <8 x float> %k.2:15, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %k.2:17 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k.2:16, <8 x float> %k.2:6, <8 x float> %k.2:1)
  %k.2:18 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k.2:16, <8 x float> %k.2:9, <8 x float> %k.2:2)
  %k.2:19 = add i64 %k.2:0, 1
  %k.2:20 = icmp slt i64 %k.2:19, %entry:86
  br i1 %k.2:20, label %"k.2", label %"done.2"
done.2:
  %done.2:0 = phi  <8 x float> [splat(float              0x0), %"body.4"], [%k.2:17, %"k.2"]
  %done.2:1 = phi  <8 x float> [splat(float              0x0), %"body.4"], [%k.2:18, %"k.2"]
  %done.2:2 = add i64 %body.4:0, 0
  %done.2:3 = mul i64 %done.2:2, %entry:118
  %done.2:4 = getelementptr float, ptr %body:36, i64 %done.2:3
  %done.2:5 = add i64 %block.2:2, 0
  %done.2:6 = getelementptr float, ptr %done.2:4, i64 %done.2:5
  store <8 x float> %done.2:0, ptr %done.2:6, align 4
  %done.2:7 = add i64 %block.2:2, 8
  %done.2:8 = getelementptr float, ptr %done.2:4, i64 %done.2:7
  store <8 x float> %done.2:1, ptr %done.2:8, align 4
  br label %"head.4"
block.3:
  %block.3:0 = sub i64 %body.1:2, %entry:140
  %block.3:1 = mul i64 %block.3:0, 8
  %block.3:2 = add i64 %entry:139, %block.3:1
  %block.3:3 = add i64 %block.3:2, 8
  %block.3:4 = icmp slt i64 %block.3:3, %entry:84
  %block.3:5 = select  i1 %block.3:4, i64 %block.3:3, i64 %entry:84
  %block.3:6 = sub i64 1, 0
  br label %"head.5"
kind.3:
  unreachable
head.5:
  %head.5:0 = phi  i64 [0, %"block.3"], [%head.5:1, %"done.3"]
  %head.5:1 = add i64 %head.5:0, 1
  %head.5:2 = icmp sle i64 %head.5:1, %block.3:6
  br i1 %head.5:2, label %"body.5", label %"after.5"
body.5:
  %body.5:0 = add i64 0, %head.5:0
  %body.5:1 = add i64 %block.3:2, 0
  %body.5:2 = mul i64 %body.5:1, %entry:92
  %body.5:3 = getelementptr float, ptr %entry:99, i64 %body.5:2
  %body.5:4 = mul i64 %entry:90, 8
  %body.5:5 = mul i64 %body.5:0, %entry:105
  %body.5:6 = getelementptr float, ptr %body:32, i64 %body.5:5
  %body.5:7 = icmp sgt i64 %entry:86, 0
  br i1 %body.5:7, label %"k.3", label %"done.3"
after.5:
  br label %"units"
k.3:
  %k.3:0 = phi  i64 [0, %"body.5"], [%k.3:14, %"k.3"]
  %k.3:1 = phi  <8 x float> [splat(float              0x0), %"body.5"], [%k.3:13, %"k.3"]
  %k.3:2 = mul i64 %k.3:0, %body.5:4
  %k.3:3 = add i64 %k.3:2, 0
  %k.3:4 = getelementptr float, ptr %body.5:3, i64 %k.3:3
  %k.3:5 = load <8 x float>, ptr %k.3:4, align 4
  %k.3:6 = mul i64 0, %entry:105
  %k.3:7 = mul i64 %k.3:0, 1
  %k.3:8 = add i64 %k.3:6, %k.3:7
  %k.3:9 = getelementptr float, ptr %body.5:6, i64 %k.3:8
  %k.3:10 = load float, ptr %k.3:9
  %k.3:11 = insertelement <8 x float> splat(float undef), float %k.3:10, i32 0
  %k.3:12 = shufflevector <8 x float> %k.3:11, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %k.3:13 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %k.3:12, <8 x float> %k.3:5, <8 x float> %k.3:1)
  %k.3:14 = add i64 %k.3:0, 1
  %k.3:15 = icmp slt i64 %k.3:14, %entry:86
  br i1 %k.3:15, label %"k.3", label %"done.3"
done.3:
  %done.3:0 = phi  <8 x float> [splat(float              0x0), %"body.5"], [%k.3:13, %"k.3"]
  %done.3:1 = sub i64 %block.3:5, %block.3:2
  %done.3:2 = insertelement <8 x i64> splat(i64 undef), i64 %done.3:1, i32 0
  %done.3:3 = shufflevector <8 x i64> %done.3:2, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %done.3:4 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %done.3:3
  %done.3:5 = add i64 %body.5:0, 0
  %done.3:6 = mul i64 %done.3:5, %entry:118
  %done.3:7 = getelementptr float, ptr %body:36, i64 %done.3:6
  %done.3:8 = add i64 %block.3:2, 0
  %done.3:9 = getelementptr float, ptr %done.3:7, i64 %done.3:8
  store <8 x float> %done.3:0, ptr %done.3:9, align 4
  br label %"head.5"
head.6:
  %head.6:0 = phi  i64 [0, %"units"], [%head.6:1, %"after.7.endif"]
  %head.6:1 = add i64 %head.6:0, 1
  %head.6:2 = icmp sle i64 %head.6:1, 1
  br i1 %head.6:2, label %"body.6", label %"after.6"
body.6:
  %body.6:0 = mul i64 %head.6:0, %entry:8
  %body.6:1 = getelementptr float, ptr %body:16, i64 %body.6:0
  %body.6:2 = mul i64 %head.6:0, %entry:21
  %body.6:3 = getelementptr float, ptr %body:20, i64 %body.6:2
  %body.6:4 = mul i64 %head.6:0, %entry:34
  %body.6:5 = getelementptr float, ptr %body:24, i64 %body.6:4
  %body.6:6 = mul i64 %head.6:0, %entry:47
  %body.6:7 = getelementptr float, ptr %body:28, i64 %body.6:6
  br label %"head.7"
after.6:
  br label %"head.1"
head.7:
  %head.7:0 = phi  i64 [%units:0, %"body.6"], [%head.7:1, %"body.7"]
  %head.7:1 = add i64 %head.7:0, 8
  %head.7:2 = icmp sle i64 %head.7:1, %units:1
  br i1 %head.7:2, label %"body.7", label %"after.7"
body.7:
  %body.7:0 = getelementptr float, ptr %body.6:1, i64 %head.7:0
  %body.7:1 = load <8 x float>, ptr %body.7:0, align 4
  %body.7:2 = getelementptr float, ptr %body.6:3, i64 %head.7:0
  %body.7:3 = load <8 x float>, ptr %body.7:2, align 4
  %body.7:4 = fadd <8 x float> %body.7:1, %body.7:3
  %body.7:5 = getelementptr float, ptr %body.6:5, i64 %head.7:0
  %body.7:6 = load <8 x float>, ptr %body.7:5, align 4
  %body.7:7 = fadd <8 x float> %body.7:4, %body.7:6
  %body.7:8 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %body.7:7)
  %body.7:9 = fcmp ogt <8 x float> %body.7:8, splat(float 0x4022333340000000)
  %body.7:10 = select  <8 x i1> %body.7:9, <8 x float> splat(float 0x4022333340000000), <8 x float> %body.7:8
  %body.7:11 = fadd <8 x float> %body.7:10, %body.7:10
  %body.7:12 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.7:11, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %body.7:13 = fsub <8 x float> %body.7:12, splat(float 0x4168000000000000)
  %body.7:14 = bitcast <8 x float> %body.7:12 to <8 x i32>
  %body.7:15 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %body.7:16 = sub <8 x i32> %body.7:14, %body.7:15
  %body.7:17 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.7:13, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %body.7:11)
  %body.7:18 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.7:13, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %body.7:17)
  %body.7:19 = fmul <8 x float> %body.7:18, %body.7:18
  %body.7:20 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %body.7:18, <8 x float> splat(float 0x3f81215820000000))
  %body.7:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.7:20, <8 x float> %body.7:18, <8 x float> splat(float 0x3fa5555140000000))
  %body.7:22 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.7:21, <8 x float> %body.7:18, <8 x float> splat(float 0x3fc5554d40000000))
  %body.7:23 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.7:22, <8 x float> %body.7:18, <8 x float> splat(float 0x3fe0000000000000))
  %body.7:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.7:19, <8 x float> %body.7:23, <8 x float> %body.7:18)
  %body.7:25 = add <8 x i32> %body.7:16, splat(i32 127)
  %body.7:26 = shl <8 x i32> %body.7:25, splat(i32 23)
  %body.7:27 = bitcast <8 x i32> %body.7:26 to <8 x float>
  %body.7:28 = fsub <8 x float> %body.7:27, splat(float 0x3ff0000000000000)
  %body.7:29 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.7:27, <8 x float> %body.7:24, <8 x float> %body.7:28)
  %body.7:30 = fadd <8 x float> %body.7:29, splat(float 0x4000000000000000)
  %body.7:31 = fdiv <8 x float> %body.7:29, %body.7:30
  %body.7:32 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %body.7:31, <8 x float> %body.7:7)
  %body.7:33 = getelementptr float, ptr %body.6:7, i64 %head.7:0
  store <8 x float> %body.7:32, ptr %body.7:33, align 4
  br label %"head.7"
after.7:
  %after.7:0 = sub i64 %units:1, %head.7:0
  %after.7:1 = icmp sgt i64 %after.7:0, 0
  br i1 %after.7:1, label %"after.7.if", label %"after.7.endif"
after.7.if:
  %after.7.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.7:0, i32 0
  %after.7.if:1 = shufflevector <8 x i64> %after.7.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.7.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.7.if:1
  %after.7.if:3 = getelementptr float, ptr %body.6:1, i64 %head.7:0
  %after.7.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.7.if:3, i32 4, <8 x i1> %after.7.if:2, <8 x float> splat(float              0x0))
  %after.7.if:5 = getelementptr float, ptr %body.6:3, i64 %head.7:0
  %after.7.if:6 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.7.if:5, i32 4, <8 x i1> %after.7.if:2, <8 x float> splat(float              0x0))
  %after.7.if:7 = fadd <8 x float> %after.7.if:4, %after.7.if:6
  %after.7.if:8 = getelementptr float, ptr %body.6:5, i64 %head.7:0
  %after.7.if:9 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.7.if:8, i32 4, <8 x i1> %after.7.if:2, <8 x float> splat(float              0x0))
  %after.7.if:10 = fadd <8 x float> %after.7.if:7, %after.7.if:9
  %after.7.if:11 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %after.7.if:10)
  %after.7.if:12 = fcmp ogt <8 x float> %after.7.if:11, splat(float 0x4022333340000000)
  %after.7.if:13 = select  <8 x i1> %after.7.if:12, <8 x float> splat(float 0x4022333340000000), <8 x float> %after.7.if:11
  %after.7.if:14 = fadd <8 x float> %after.7.if:13, %after.7.if:13
  %after.7.if:15 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.7.if:14, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %after.7.if:16 = fsub <8 x float> %after.7.if:15, splat(float 0x4168000000000000)
  %after.7.if:17 = bitcast <8 x float> %after.7.if:15 to <8 x i32>
  %after.7.if:18 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %after.7.if:19 = sub <8 x i32> %after.7.if:17, %after.7.if:18
  %after.7.if:20 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.7.if:16, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %after.7.if:14)
  %after.7.if:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.7.if:16, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %after.7.if:20)
  %after.7.if:22 = fmul <8 x float> %after.7.if:21, %after.7.if:21
  %after.7.if:23 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %after.7.if:21, <8 x float> splat(float 0x3f81215820000000))
  %after.7.if:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.7.if:23, <8 x float> %after.7.if:21, <8 x float> splat(float 0x3fa5555140000000))
  %after.7.if:25 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.7.if:24, <8 x float> %after.7.if:21, <8 x float> splat(float 0x3fc5554d40000000))
  %after.7.if:26 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.7.if:25, <8 x float> %after.7.if:21, <8 x float> splat(float 0x3fe0000000000000))
  %after.7.if:27 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.7.if:22, <8 x float> %after.7.if:26, <8 x float> %after.7.if:21)
  %after.7.if:28 = add <8 x i32> %after.7.if:19, splat(i32 127)
  %after.7.if:29 = shl <8 x i32> %after.7.if:28, splat(i32 23)
  %after.7.if:30 = bitcast <8 x i32> %after.7.if:29 to <8 x float>
  %after.7.if:31 = fsub <8 x float> %after.7.if:30, splat(float 0x3ff0000000000000)
  %after.7.if:32 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.7.if:30, <8 x float> %after.7.if:27, <8 x float> %after.7.if:31)
  %after.7.if:33 = fadd <8 x float> %after.7.if:32, splat(float 0x4000000000000000)
  %after.7.if:34 = fdiv <8 x float> %after.7.if:32, %after.7.if:33
  %after.7.if:35 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %after.7.if:34, <8 x float> %after.7.if:10)
  %after.7.if:36 = getelementptr float, ptr %body.6:7, i64 %head.7:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.7.if:35, ptr %after.7.if:36, i32 4, <8 x i1> %after.7.if:2)
  br label %"after.7.endif"
after.7.endif:
  br label %"head.6"
after.1.if:
  call void @"conveyor_wait_avx2_f32"(ptr %argument:1, i64 %argument:9)
  br label %"after.1.endif"
after.1.endif:
  br label %"head"
}

declare <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1, <8 x float> %argument:2)

declare <8 x float> @"llvm.fabs.v8f32"(<8 x float> %argument:0)

declare <8 x float> @"llvm.copysign.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1)

declare <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %argument:0, i32 %argument:1, <8 x i1> %argument:2, <8 x float> %argument:3)

declare void @"llvm.masked.store.v8f32.p0"(<8 x float> %argument:0, ptr %argument:1, i32 %argument:2, <8 x i1> %argument:3)
