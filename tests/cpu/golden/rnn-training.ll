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
  %entry.endif:0 = getelementptr i64, ptr %argument:0, i64 13
  %entry.endif:1 = load i64, ptr %entry.endif:0
  %entry.endif:2 = getelementptr i64, ptr %argument:0, i64 14
  %entry.endif:3 = load i64, ptr %entry.endif:2
  %entry.endif:4 = getelementptr i64, ptr %argument:0, i64 15
  %entry.endif:5 = load i64, ptr %entry.endif:4
  %entry.endif:6 = getelementptr i64, ptr %argument:2, i64 %entry.endif:1
  %entry.endif:7 = load i64, ptr %entry.endif:6
  %entry.endif:8 = getelementptr i64, ptr %argument:0, i64 11
  %entry.endif:9 = load i64, ptr %entry.endif:8
  %entry.endif:10 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:9
  %entry.endif:11 = load ptr, ptr %entry.endif:10
  %entry.endif:12 = getelementptr i64, ptr %argument:0, i64 12
  %entry.endif:13 = load i64, ptr %entry.endif:12
  %entry.endif:14 = getelementptr i8, ptr %entry.endif:11, i64 %entry.endif:13
  %entry.endif:15 = mul i64 %entry.endif:7, %entry.endif:3
  %entry.endif:16 = getelementptr float, ptr %entry.endif:14, i64 %entry.endif:15
  %entry.endif:17 = getelementptr i64, ptr %argument:0, i64 29
  %entry.endif:18 = load i64, ptr %entry.endif:17
  %entry.endif:19 = getelementptr i64, ptr %argument:0, i64 30
  %entry.endif:20 = load i64, ptr %entry.endif:19
  %entry.endif:21 = getelementptr i64, ptr %argument:0, i64 31
  %entry.endif:22 = load i64, ptr %entry.endif:21
  %entry.endif:23 = getelementptr i64, ptr %argument:2, i64 %entry.endif:18
  %entry.endif:24 = load i64, ptr %entry.endif:23
  %entry.endif:25 = getelementptr i64, ptr %argument:0, i64 27
  %entry.endif:26 = load i64, ptr %entry.endif:25
  %entry.endif:27 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:26
  %entry.endif:28 = load ptr, ptr %entry.endif:27
  %entry.endif:29 = getelementptr i64, ptr %argument:0, i64 28
  %entry.endif:30 = load i64, ptr %entry.endif:29
  %entry.endif:31 = getelementptr i8, ptr %entry.endif:28, i64 %entry.endif:30
  %entry.endif:32 = mul i64 %entry.endif:24, %entry.endif:20
  %entry.endif:33 = getelementptr float, ptr %entry.endif:31, i64 %entry.endif:32
  %entry.endif:34 = getelementptr i64, ptr %argument:0, i64 34
  %entry.endif:35 = load i64, ptr %entry.endif:34
  %entry.endif:36 = getelementptr i64, ptr %argument:0, i64 35
  %entry.endif:37 = load i64, ptr %entry.endif:36
  %entry.endif:38 = getelementptr i64, ptr %argument:0, i64 36
  %entry.endif:39 = load i64, ptr %entry.endif:38
  %entry.endif:40 = getelementptr i64, ptr %argument:2, i64 %entry.endif:35
  %entry.endif:41 = load i64, ptr %entry.endif:40
  %entry.endif:42 = getelementptr i64, ptr %argument:0, i64 32
  %entry.endif:43 = load i64, ptr %entry.endif:42
  %entry.endif:44 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:43
  %entry.endif:45 = load ptr, ptr %entry.endif:44
  %entry.endif:46 = getelementptr i64, ptr %argument:0, i64 33
  %entry.endif:47 = load i64, ptr %entry.endif:46
  %entry.endif:48 = getelementptr i8, ptr %entry.endif:45, i64 %entry.endif:47
  %entry.endif:49 = mul i64 %entry.endif:41, %entry.endif:37
  %entry.endif:50 = getelementptr float, ptr %entry.endif:48, i64 %entry.endif:49
  %entry.endif:51 = getelementptr i64, ptr %argument:0, i64 39
  %entry.endif:52 = load i64, ptr %entry.endif:51
  %entry.endif:53 = getelementptr i64, ptr %argument:0, i64 40
  %entry.endif:54 = load i64, ptr %entry.endif:53
  %entry.endif:55 = getelementptr i64, ptr %argument:0, i64 41
  %entry.endif:56 = load i64, ptr %entry.endif:55
  %entry.endif:57 = getelementptr i64, ptr %argument:2, i64 %entry.endif:52
  %entry.endif:58 = load i64, ptr %entry.endif:57
  %entry.endif:59 = getelementptr i64, ptr %argument:0, i64 37
  %entry.endif:60 = load i64, ptr %entry.endif:59
  %entry.endif:61 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:60
  %entry.endif:62 = load ptr, ptr %entry.endif:61
  %entry.endif:63 = getelementptr i64, ptr %argument:0, i64 38
  %entry.endif:64 = load i64, ptr %entry.endif:63
  %entry.endif:65 = getelementptr i8, ptr %entry.endif:62, i64 %entry.endif:64
  %entry.endif:66 = mul i64 %entry.endif:58, %entry.endif:54
  %entry.endif:67 = getelementptr float, ptr %entry.endif:65, i64 %entry.endif:66
  %entry.endif:68 = getelementptr i64, ptr %argument:0, i64 44
  %entry.endif:69 = load i64, ptr %entry.endif:68
  %entry.endif:70 = getelementptr i64, ptr %argument:0, i64 45
  %entry.endif:71 = load i64, ptr %entry.endif:70
  %entry.endif:72 = getelementptr i64, ptr %argument:0, i64 46
  %entry.endif:73 = load i64, ptr %entry.endif:72
  %entry.endif:74 = getelementptr i64, ptr %argument:2, i64 %entry.endif:69
  %entry.endif:75 = load i64, ptr %entry.endif:74
  %entry.endif:76 = getelementptr i64, ptr %argument:0, i64 42
  %entry.endif:77 = load i64, ptr %entry.endif:76
  %entry.endif:78 = getelementptr ptr, ptr %argument:1, i64 %entry.endif:77
  %entry.endif:79 = load ptr, ptr %entry.endif:78
  %entry.endif:80 = getelementptr i64, ptr %argument:0, i64 43
  %entry.endif:81 = load i64, ptr %entry.endif:80
  %entry.endif:82 = getelementptr i8, ptr %entry.endif:79, i64 %entry.endif:81
  %entry.endif:83 = mul i64 %entry.endif:75, %entry.endif:71
  %entry.endif:84 = getelementptr float, ptr %entry.endif:82, i64 %entry.endif:83
  %entry.endif:85 = getelementptr i64, ptr %argument:0, i64 47
  %entry.endif:86 = load i64, ptr %entry.endif:85
  %entry.endif:87 = add i64 %entry.endif:86, 7
  %entry.endif:88 = sdiv i64 %entry.endif:87, 8
  %entry.endif:89 = add i64 %argument:5, 1
  %entry.endif:90 = mul i64 %entry.endif:88, %argument:5
  %entry.endif:91 = sdiv i64 %entry.endif:90, %argument:6
  %entry.endif:92 = mul i64 %entry.endif:91, 8
  %entry.endif:93 = mul i64 %entry.endif:88, %entry.endif:89
  %entry.endif:94 = sdiv i64 %entry.endif:93, %argument:6
  %entry.endif:95 = mul i64 %entry.endif:94, 8
  %entry.endif:96 = icmp slt i64 %entry.endif:92, %entry.endif:86
  %entry.endif:97 = select  i1 %entry.endif:96, i64 %entry.endif:92, i64 %entry.endif:86
  %entry.endif:98 = icmp slt i64 %entry.endif:95, %entry.endif:86
  %entry.endif:99 = select  i1 %entry.endif:98, i64 %entry.endif:95, i64 %entry.endif:86
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
  %body:6 = mul i64 %head:0, %entry.endif:56
  %body:7 = getelementptr float, ptr %entry.endif:67, i64 %body:6
  %body:8 = mul i64 %head:0, %entry.endif:73
  %body:9 = getelementptr float, ptr %entry.endif:84, i64 %body:8
  br label %"head.1"
after:
  %after:0 = icmp sgt i64 %argument:6, 1
  br i1 %after:0, label %"after.if", label %"after.endif"
head.1:
  %head.1:0 = phi  i64 [%entry.endif:97, %"body"], [%head.1:1, %"body.1"]
  %head.1:1 = add i64 %head.1:0, 8
  %head.1:2 = icmp sle i64 %head.1:1, %entry.endif:99
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
  %body.1:8 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %body.1:7)
  %body.1:9 = fcmp ogt <8 x float> %body.1:8, splat(float 0x4022333340000000)
  %body.1:10 = select  <8 x i1> %body.1:9, <8 x float> splat(float 0x4022333340000000), <8 x float> %body.1:8
  %body.1:11 = fadd <8 x float> %body.1:10, %body.1:10
  %body.1:12 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:11, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %body.1:13 = fsub <8 x float> %body.1:12, splat(float 0x4168000000000000)
  %body.1:14 = bitcast <8 x float> %body.1:12 to <8 x i32>
  %body.1:15 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %body.1:16 = sub <8 x i32> %body.1:14, %body.1:15
  %body.1:17 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:13, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %body.1:11)
  %body.1:18 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:13, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %body.1:17)
  %body.1:19 = fmul <8 x float> %body.1:18, %body.1:18
  %body.1:20 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %body.1:18, <8 x float> splat(float 0x3f81215820000000))
  %body.1:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:20, <8 x float> %body.1:18, <8 x float> splat(float 0x3fa5555140000000))
  %body.1:22 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:21, <8 x float> %body.1:18, <8 x float> splat(float 0x3fc5554d40000000))
  %body.1:23 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:22, <8 x float> %body.1:18, <8 x float> splat(float 0x3fe0000000000000))
  %body.1:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:19, <8 x float> %body.1:23, <8 x float> %body.1:18)
  %body.1:25 = add <8 x i32> %body.1:16, splat(i32 127)
  %body.1:26 = shl <8 x i32> %body.1:25, splat(i32 23)
  %body.1:27 = bitcast <8 x i32> %body.1:26 to <8 x float>
  %body.1:28 = fsub <8 x float> %body.1:27, splat(float 0x3ff0000000000000)
  %body.1:29 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.1:27, <8 x float> %body.1:24, <8 x float> %body.1:28)
  %body.1:30 = fadd <8 x float> %body.1:29, splat(float 0x4000000000000000)
  %body.1:31 = fdiv <8 x float> %body.1:29, %body.1:30
  %body.1:32 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %body.1:31, <8 x float> %body.1:7)
  %body.1:33 = getelementptr float, ptr %body:7, i64 %head.1:0
  store <8 x float> %body.1:32, ptr %body.1:33, align 4
  %body.1:34 = getelementptr float, ptr %body:9, i64 %head.1:0
  store <8 x float> %body.1:32, ptr %body.1:34, align 4
  br label %"head.1"
after.1:
  %after.1:0 = sub i64 %entry.endif:99, %head.1:0
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
  %after.1.if:11 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %after.1.if:10)
  %after.1.if:12 = fcmp ogt <8 x float> %after.1.if:11, splat(float 0x4022333340000000)
  %after.1.if:13 = select  <8 x i1> %after.1.if:12, <8 x float> splat(float 0x4022333340000000), <8 x float> %after.1.if:11
  %after.1.if:14 = fadd <8 x float> %after.1.if:13, %after.1.if:13
  %after.1.if:15 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:14, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %after.1.if:16 = fsub <8 x float> %after.1.if:15, splat(float 0x4168000000000000)
  %after.1.if:17 = bitcast <8 x float> %after.1.if:15 to <8 x i32>
  %after.1.if:18 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %after.1.if:19 = sub <8 x i32> %after.1.if:17, %after.1.if:18
  %after.1.if:20 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:16, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %after.1.if:14)
  %after.1.if:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:16, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %after.1.if:20)
  %after.1.if:22 = fmul <8 x float> %after.1.if:21, %after.1.if:21
  %after.1.if:23 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %after.1.if:21, <8 x float> splat(float 0x3f81215820000000))
  %after.1.if:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:23, <8 x float> %after.1.if:21, <8 x float> splat(float 0x3fa5555140000000))
  %after.1.if:25 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:24, <8 x float> %after.1.if:21, <8 x float> splat(float 0x3fc5554d40000000))
  %after.1.if:26 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:25, <8 x float> %after.1.if:21, <8 x float> splat(float 0x3fe0000000000000))
  %after.1.if:27 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:22, <8 x float> %after.1.if:26, <8 x float> %after.1.if:21)
  %after.1.if:28 = add <8 x i32> %after.1.if:19, splat(i32 127)
  %after.1.if:29 = shl <8 x i32> %after.1.if:28, splat(i32 23)
  %after.1.if:30 = bitcast <8 x i32> %after.1.if:29 to <8 x float>
  %after.1.if:31 = fsub <8 x float> %after.1.if:30, splat(float 0x3ff0000000000000)
  %after.1.if:32 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.1.if:30, <8 x float> %after.1.if:27, <8 x float> %after.1.if:31)
  %after.1.if:33 = fadd <8 x float> %after.1.if:32, splat(float 0x4000000000000000)
  %after.1.if:34 = fdiv <8 x float> %after.1.if:32, %after.1.if:33
  %after.1.if:35 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %after.1.if:34, <8 x float> %after.1.if:10)
  %after.1.if:36 = getelementptr float, ptr %body:7, i64 %head.1:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.1.if:35, ptr %after.1.if:36, i32 4, <8 x i1> %after.1.if:2)
  %after.1.if:37 = getelementptr float, ptr %body:9, i64 %head.1:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.1.if:35, ptr %after.1.if:37, i32 4, <8 x i1> %after.1.if:2)
  br label %"after.1.endif"
after.1.endif:
  br label %"head"
after.if:
  call void @"conveyor_wait_avx2_f32"(ptr %argument:1, i64 %argument:6)
  br label %"after.endif"
after.endif:
  ret void
}

declare <8 x float> @"llvm.fabs.v8f32"(<8 x float> %argument:0)

declare <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1, <8 x float> %argument:2)

declare <8 x float> @"llvm.copysign.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1)

declare <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %argument:0, i32 %argument:1, <8 x i1> %argument:2, <8 x float> %argument:3)

declare void @"llvm.masked.store.v8f32.p0"(<8 x float> %argument:0, ptr %argument:1, i32 %argument:2, <8 x i1> %argument:3)

define void @"after"(ptr %argument:0, ptr %argument:1, ptr %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6)
{
entry:
  ret void
}
