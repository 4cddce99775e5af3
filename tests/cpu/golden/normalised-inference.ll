declare void @"conveyor_product_avx2_f32"(ptr %argument:0, i64 %argument:1, ptr %argument:2, ptr %argument:3, i64 %argument:4, i64 %argument:5, i64 %".7", i64 %".8")

define void @"steps"(ptr %argument:0, i64 %argument:1, i64 %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5)
{
entry:
  %entry:0 = alloca <8 x float>
  %entry:1 = alloca <8 x float>
  br label %"head"
head:
  %head:0 = phi  i64 [0, %"entry"], [%head:1, %"after.5"]
  %head:1 = add i64 %head:0, 1
  %head:2 = icmp sle i64 %head:1, %argument:2
  br i1 %head:2, label %"body", label %"after"
body:
  %body:0 = mul i64 %head:0, %argument:3
  %body:1 = add i64 %argument:1, %body:0
  %body:2 = getelementptr i64, ptr %argument:0, i64 0
  %body:3 = load ptr, ptr %body:2
  %body:4 = getelementptr i64, ptr %argument:0, i64 1
  %body:5 = load i64, ptr %body:4
  %body:6 = getelementptr i64, ptr %argument:0, i64 2
  %body:7 = load i64, ptr %body:6
  %body:8 = getelementptr i64, ptr %argument:0, i64 3
  %body:9 = load ptr, ptr %body:8
  %body:10 = getelementptr i64, ptr %argument:0, i64 4
  %body:11 = load i64, ptr %body:10
  %body:12 = getelementptr i64, ptr %argument:0, i64 5
  %body:13 = load i64, ptr %body:12
  %body:14 = getelementptr i64, ptr %argument:0, i64 6
  %body:15 = load i64, ptr %body:14
  %body:16 = getelementptr i64, ptr %argument:0, i64 7
  %body:17 = load i64, ptr %body:16
  %body:18 = add i64 %body:1, %body:17
  %body:19 = and i64 %body:18, %body:15
  %body:20 = mul i64 %body:19, %body:11
  %body:21 = mul i64 %argument:4, %body:13
  %body:22 = add i64 %body:20, %body:21
  %body:23 = getelementptr float, ptr %body:9, i64 %body:22
  %body:24 = getelementptr i64, ptr %argument:0, i64 5
  %body:25 = load i64, ptr %body:24
  %body:26 = getelementptr i64, ptr %argument:0, i64 8
  %body:27 = load ptr, ptr %body:26
  %body:28 = getelementptr i64, ptr %argument:0, i64 9
  %body:29 = load i64, ptr %body:28
  %body:30 = getelementptr i64, ptr %argument:0, i64 10
  %body:31 = load i64, ptr %body:30
  %body:32 = getelementptr i64, ptr %argument:0, i64 11
  %body:33 = load i64, ptr %body:32
  %body:34 = getelementptr i64, ptr %argument:0, i64 12
  %body:35 = load i64, ptr %body:34
  %body:36 = add i64 %body:1, %body:35
  %body:37 = and i64 %body:36, %body:33
  %body:38 = mul i64 %body:37, %body:29
  %body:39 = mul i64 %argument:4, %body:31
  %body:40 = add i64 %body:38, %body:39
  %body:41 = getelementptr float, ptr %body:27, i64 %body:40
  %body:42 = getelementptr i64, ptr %argument:0, i64 10
  %body:43 = load i64, ptr %body:42
  %body:44 = sub i64 %argument:5, %argument:4
  call void @"conveyor_product_avx2_f32"(ptr %body:23, i64 %body:25, ptr %body:3, ptr %body:41, i64 %body:43, i64 %body:44, i64 %body:5, i64 %body:7)
  br label %"head.1"
after:
  ret void
head.1:
  %head.1:0 = phi  i64 [%argument:4, %"body"], [%head.1:1, %"after.2.endif"]
  %head.1:1 = add i64 %head.1:0, 1
  %head.1:2 = icmp sle i64 %head.1:1, %argument:5
  br i1 %head.1:2, label %"body.1", label %"after.1"
body.1:
  %body.1:0 = getelementptr i64, ptr %argument:0, i64 13
  %body.1:1 = load ptr, ptr %body.1:0
  %body.1:2 = getelementptr i64, ptr %argument:0, i64 14
  %body.1:3 = load i64, ptr %body.1:2
  %body.1:4 = getelementptr i64, ptr %argument:0, i64 15
  %body.1:5 = load i64, ptr %body.1:4
  %body.1:6 = getelementptr i64, ptr %argument:0, i64 16
  %body.1:7 = load i64, ptr %body.1:6
  %body.1:8 = getelementptr i64, ptr %argument:0, i64 17
  %body.1:9 = load i64, ptr %body.1:8
  %body.1:10 = add i64 %body:1, %body.1:9
  %body.1:11 = and i64 %body.1:10, %body.1:7
  %body.1:12 = mul i64 %body.1:11, %body.1:3
  %body.1:13 = mul i64 %head.1:0, %body.1:5
  %body.1:14 = add i64 %body.1:12, %body.1:13
  %body.1:15 = getelementptr float, ptr %body.1:1, i64 %body.1:14
  %body.1:16 = getelementptr i64, ptr %argument:0, i64 8
  %body.1:17 = load ptr, ptr %body.1:16
  %body.1:18 = getelementptr i64, ptr %argument:0, i64 9
  %body.1:19 = load i64, ptr %body.1:18
  %body.1:20 = getelementptr i64, ptr %argument:0, i64 10
  %body.1:21 = load i64, ptr %body.1:20
  %body.1:22 = getelementptr i64, ptr %argument:0, i64 11
  %body.1:23 = load i64, ptr %body.1:22
  %body.1:24 = getelementptr i64, ptr %argument:0, i64 12
  %body.1:25 = load i64, ptr %body.1:24
  %body.1:26 = add i64 %body:1, %body.1:25
  %body.1:27 = and i64 %body.1:26, %body.1:23
  %body.1:28 = mul i64 %body.1:27, %body.1:19
  %body.1:29 = mul i64 %head.1:0, %body.1:21
  %body.1:30 = add i64 %body.1:28, %body.1:29
  %body.1:31 = getelementptr float, ptr %body.1:17, i64 %body.1:30
  %body.1:32 = getelementptr i64, ptr %argument:0, i64 18
  %body.1:33 = load ptr, ptr %body.1:32
  %body.1:34 = getelementptr i64, ptr %argument:0, i64 19
  %body.1:35 = load i64, ptr %body.1:34
  %body.1:36 = getelementptr i64, ptr %argument:0, i64 20
  %body.1:37 = load i64, ptr %body.1:36
  %body.1:38 = getelementptr i64, ptr %argument:0, i64 21
  %body.1:39 = load i64, ptr %body.1:38
  %body.1:40 = getelementptr i64, ptr %argument:0, i64 22
  %body.1:41 = load i64, ptr %body.1:40
  %body.1:42 = add i64 %body:1, %body.1:41
  %body.1:43 = and i64 %body.1:42, %body.1:39
  %body.1:44 = mul i64 %body.1:43, %body.1:35
  %body.1:45 = mul i64 %head.1:0, %body.1:37
  %body.1:46 = add i64 %body.1:44, %body.1:45
  %body.1:47 = getelementptr float, ptr %body.1:33, i64 %body.1:46
  %body.1:48 = getelementptr i64, ptr %argument:0, i64 23
  %body.1:49 = load ptr, ptr %body.1:48
  %body.1:50 = getelementptr i64, ptr %argument:0, i64 24
  %body.1:51 = load i64, ptr %body.1:50
  %body.1:52 = getelementptr i64, ptr %argument:0, i64 25
  %body.1:53 = load i64, ptr %body.1:52
  %body.1:54 = getelementptr i64, ptr %argument:0, i64 26
  %body.1:55 = load i64, ptr %body.1:54
  %body.1:56 = getelementptr i64, ptr %argument:0, i64 27
  %body.1:57 = load i64, ptr %body.1:56
  %body.1:58 = add i64 %body:1, %body.1:57
  %body.1:59 = and i64 %body.1:58, %body.1:55
  %body.1:60 = mul i64 %body.1:59, %body.1:51
  %body.1:61 = mul i64 %head.1:0, %body.1:53
  %body.1:62 = add i64 %body.1:60, %body.1:61
  %body.1:63 = getelementptr float, ptr %body.1:49, i64 %body.1:62
  %body.1:64 = getelementptr i64, ptr %argument:0, i64 28
  %body.1:65 = load i64, ptr %body.1:64
  store <8 x float> splat(float              0x0), <8 x float>* %entry:0
  br label %"head.2"
after.1:
  br label %"head.3"
head.2:
  %head.2:0 = phi  i64 [0, %"body.1"], [%head.2:1, %"body.2"]
  %head.2:1 = add i64 %head.2:0, 8
  %head.2:2 = icmp sle i64 %head.2:1, %body.1:65
  br i1 %head.2:2, label %"body.2", label %"after.2"
body.2:
  %body.2:0 = getelementptr float, ptr %body.1:15, i64 %head.2:0
  %body.2:1 = load <8 x float>, ptr %body.2:0, align 4
  %body.2:2 = getelementptr float, ptr %body.1:31, i64 %head.2:0
  %body.2:3 = load <8 x float>, ptr %body.2:2, align 4
  %body.2:4 = fadd <8 x float> %body.2:1, %body.2:3
  %body.2:5 = getelementptr float, ptr %body.1:47, i64 %head.2:0
  %body.2:6 = load <8 x float>, ptr %body.2:5, align 4
  %body.2:7 = fadd <8 x float> %body.2:4, %body.2:6
  %body.2:8 = getelementptr float, ptr %body.1:63, i64 %head.2:0
  store <8 x float> %body.2:7, ptr %body.2:8, align 4
  %body.2:9 = load <8 x float>, <8 x float>* %entry:0
  %body.2:10 = fadd <8 x float> %body.2:9, %body.2:7
  store <8 x float> %body.2:10, <8 x float>* %entry:0
  br label %"head.2"
after.2:
  %after.2:0 = sub i64 %body.1:65, %head.2:0
  %after.2:1 = icmp sgt i64 %after.2:0, 0
  br i1 %after.2:1, label %"after.2.if", label %"after.2.endif"
after.2.if:
  %after.2.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.2:0, i32 0
  %after.2.if:1 = shufflevector <8 x i64> %after.2.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.2.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.2.if:1
  %after.2.if:3 = getelementptr float, ptr %body.1:15, i64 %head.2:0
  %after.2.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:3, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:5 = getelementptr float, ptr %body.1:31, i64 %head.2:0
  %after.2.if:6 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:5, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:7 = fadd <8 x float> %after.2.if:4, %after.2.if:6
  %after.2.if:8 = getelementptr float, ptr %body.1:47, i64 %head.2:0
  %after.2.if:9 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:8, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:10 = fadd <8 x float> %after.2.if:7, %after.2.if:9
  %after.2.if:11 = getelementptr float, ptr %body.1:63, i64 %head.2:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.2.if:10, ptr %after.2.if:11, i32 4, <8 x i1> %after.2.if:2)
  %after.2.if:12 = load <8 x float>, <8 x float>* %entry:0
  %after.2.if:13 = fadd <8 x float> %after.2.if:12, %after.2.if:10
  %after.2.if:14 = select  <8 x i1> %after.2.if:2, <8 x float> %after.2.if:13, <8 x float> %after.2.if:12
  store <8 x float> %after.2.if:14, <8 x float>* %entry:0
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
  %after.2.endif:8 = getelementptr i64, ptr %argument:0, i64 29
  %after.2.endif:9 = load ptr, ptr %after.2.endif:8
  %after.2.endif:10 = getelementptr i64, ptr %argument:0, i64 30
  %after.2.endif:11 = load i64, ptr %after.2.endif:10
  %after.2.endif:12 = getelementptr i64, ptr %argument:0, i64 31
  %after.2.endif:13 = load i64, ptr %after.2.endif:12
  %after.2.endif:14 = getelementptr i64, ptr %argument:0, i64 32
  %after.2.endif:15 = load i64, ptr %after.2.endif:14
  %after.2.endif:16 = getelementptr i64, ptr %argument:0, i64 33
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
  %body.3:0 = getelementptr i64, ptr %argument:0, i64 23
  %body.3:1 = load ptr, ptr %body.3:0
  %body.3:2 = getelementptr i64, ptr %argument:0, i64 24
  %body.3:3 = load i64, ptr %body.3:2
  %body.3:4 = getelementptr i64, ptr %argument:0, i64 25
  %body.3:5 = load i64, ptr %body.3:4
  %body.3:6 = getelementptr i64, ptr %argument:0, i64 26
  %body.3:7 = load i64, ptr %body.3:6
  %body.3:8 = getelementptr i64, ptr %argument:0, i64 27
  %body.3:9 = load i64, ptr %body.3:8
  %body.3:10 = add i64 %body:1, %body.3:9
  %body.3:11 = and i64 %body.3:10, %body.3:7
  %body.3:12 = mul i64 %body.3:11, %body.3:3
  %body.3:13 = mul i64 %head.3:0, %body.3:5
  %body.3:14 = add i64 %body.3:12, %body.3:13
  %body.3:15 = getelementptr float, ptr %body.3:1, i64 %body.3:14
  %body.3:16 = getelementptr i64, ptr %argument:0, i64 29
  %body.3:17 = load ptr, ptr %body.3:16
  %body.3:18 = getelementptr i64, ptr %argument:0, i64 30
  %body.3:19 = load i64, ptr %body.3:18
  %body.3:20 = getelementptr i64, ptr %argument:0, i64 31
  %body.3:21 = load i64, ptr %body.3:20
  %body.3:22 = getelementptr i64, ptr %argument:0, i64 32
  %body.3:23 = load i64, ptr %body.3:22
  %body.3:24 = getelementptr i64, ptr %argument:0, i64 33
  %body.3:25 = load i64, ptr %body.3:24
  %body.3:26 = add i64 %body:1, %body.3:25
  %body.3:27 = and i64 %body.3:26, %body.3:23
  %body.3:28 = mul i64 %body.3:27, %body.3:19
  %body.3:29 = mul i64 %head.3:0, %body.3:21
  %body.3:30 = add i64 %body.3:28, %body.3:29
  %body.3:31 = getelementptr float, ptr %body.3:17, i64 %body.3:30
  %body.3:32 = getelementptr i64, ptr %argument:0, i64 34
  %body.3:33 = load ptr, ptr %body.3:32
  %body.3:34 = getelementptr i64, ptr %argument:0, i64 35
  %body.3:35 = load i64, ptr %body.3:34
  %body.3:36 = getelementptr i64, ptr %argument:0, i64 36
  %body.3:37 = load i64, ptr %body.3:36
  %body.3:38 = getelementptr i64, ptr %argument:0, i64 37
  %body.3:39 = load i64, ptr %body.3:38
  %body.3:40 = getelementptr i64, ptr %argument:0, i64 38
  %body.3:41 = load i64, ptr %body.3:40
  %body.3:42 = add i64 %body:1, %body.3:41
  %body.3:43 = and i64 %body.3:42, %body.3:39
  %body.3:44 = mul i64 %body.3:43, %body.3:35
  %body.3:45 = mul i64 %head.3:0, %body.3:37
  %body.3:46 = add i64 %body.3:44, %body.3:45
  %body.3:47 = getelementptr float, ptr %body.3:33, i64 %body.3:46
  %body.3:48 = load float, ptr %body.3:31
  %body.3:49 = insertelement <8 x float> splat(float undef), float %body.3:48, i32 0
  %body.3:50 = shufflevector <8 x float> %body.3:49, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.3:51 = getelementptr i64, ptr %argument:0, i64 28
  %body.3:52 = load i64, ptr %body.3:51
  %body.3:53 = sitofp i64 %body.3:52 to float
  %body.3:54 = insertelement <8 x float> splat(float undef), float %body.3:53, i32 0
  %body.3:55 = shufflevector <8 x float> %body.3:54, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.3:56 = fdiv <8 x float> %body.3:50, %body.3:55
  %body.3:57 = getelementptr i64, ptr %argument:0, i64 28
  %body.3:58 = load i64, ptr %body.3:57
  store <8 x float> splat(float              0x0), <8 x float>* %entry:1
  br label %"head.4"
after.3:
  br label %"head.5"
head.4:
  %head.4:0 = phi  i64 [0, %"body.3"], [%head.4:1, %"body.4"]
  %head.4:1 = add i64 %head.4:0, 8
  %head.4:2 = icmp sle i64 %head.4:1, %body.3:58
  br i1 %head.4:2, label %"body.4", label %"after.4"
body.4:
  %body.4:0 = getelementptr float, ptr %body.3:15, i64 %head.4:0
  %body.4:1 = load <8 x float>, ptr %body.4:0, align 4
  %body.4:2 = fsub <8 x float> %body.4:1, %body.3:56
  %body.4:3 = fmul <8 x float> %body.4:2, %body.4:2
  %body.4:4 = getelementptr float, ptr %body.3:47, i64 %head.4:0
  store <8 x float> %body.4:2, ptr %body.4:4, align 4
  %body.4:5 = load <8 x float>, <8 x float>* %entry:1
  %body.4:6 = fadd <8 x float> %body.4:5, %body.4:3
  store <8 x float> %body.4:6, <8 x float>* %entry:1
  br label %"head.4"
after.4:
  %after.4:0 = sub i64 %body.3:58, %head.4:0
  %after.4:1 = icmp sgt i64 %after.4:0, 0
  br i1 %after.4:1, label %"after.4.if", label %"after.4.endif"
after.4.if:
  %after.4.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.4:0, i32 0
  %after.4.if:1 = shufflevector <8 x i64> %after.4.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.4.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.4.if:1
  %after.4.if:3 = getelementptr float, ptr %body.3:15, i64 %head.4:0
  %after.4.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.4.if:3, i32 4, <8 x i1> %after.4.if:2, <8 x float> splat(float              0x0))
  %after.4.if:5 = fsub <8 x float> %after.4.if:4, %body.3:56
  %after.4.if:6 = fmul <8 x float> %after.4.if:5, %after.4.if:5
  %after.4.if:7 = getelementptr float, ptr %body.3:47, i64 %head.4:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.4.if:5, ptr %after.4.if:7, i32 4, <8 x i1> %after.4.if:2)
  %after.4.if:8 = load <8 x float>, <8 x float>* %entry:1
  %after.4.if:9 = fadd <8 x float> %after.4.if:8, %after.4.if:6
  %after.4.if:10 = select  <8 x i1> %after.4.if:2, <8 x float> %after.4.if:9, <8 x float> %after.4.if:8
  store <8 x float> %after.4.if:10, <8 x float>* %entry:1
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
  %after.4.endif:8 = getelementptr i64, ptr %argument:0, i64 39
  %after.4.endif:9 = load ptr, ptr %after.4.endif:8
  %after.4.endif:10 = getelementptr i64, ptr %argument:0, i64 40
  %after.4.endif:11 = load i64, ptr %after.4.endif:10
  %after.4.endif:12 = getelementptr i64, ptr %argument:0, i64 41
  %after.4.endif:13 = load i64, ptr %after.4.endif:12
  %after.4.endif:14 = getelementptr i64, ptr %argument:0, i64 42
  %after.4.endif:15 = load i64, ptr %after.4.endif:14
  %after.4.endif:16 = getelementptr i64, ptr %argument:0, i64 43
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
  %body.5:0 = getelementptr i64, ptr %argument:0, i64 34
  %body.5:1 = load ptr, ptr %body.5:0
  %body.5:2 = getelementptr i64, ptr %argument:0, i64 35
  %body.5:3 = load i64, ptr %body.5:2
  %body.5:4 = getelementptr i64, ptr %argument:0, i64 36
  %body.5:5 = load i64, ptr %body.5:4
  %body.5:6 = getelementptr i64, ptr %argument:0, i64 37
  %body.5:7 = load i64, ptr %body.5:6
  %body.5:8 = getelementptr i64, ptr %argument:0, i64 38
  %body.5:9 = load i64, ptr %body.5:8
  %body.5:10 = add i64 %body:1, %body.5:9
  %body.5:11 = and i64 %body.5:10, %body.5:7
  %body.5:12 = mul i64 %body.5:11, %body.5:3
  %body.5:13 = mul i64 %head.5:0, %body.5:5
  %body.5:14 = add i64 %body.5:12, %body.5:13
  %body.5:15 = getelementptr float, ptr %body.5:1, i64 %body.5:14
  %body.5:16 = getelementptr i64, ptr %argument:0, i64 39
  %body.5:17 = load ptr, ptr %body.5:16
  %body.5:18 = getelementptr i64, ptr %argument:0, i64 40
  %body.5:19 = load i64, ptr %body.5:18
  %body.5:20 = getelementptr i64, ptr %argument:0, i64 41
  %body.5:21 = load i64, ptr %body.5:20
  %body.5:22 = getelementptr i64, ptr %argument:0, i64 42
  %body.5:23 = load i64, ptr %body.5:22
  %body.5:24 = getelementptr i64, ptr %argument:0, i64 43
  %body.5:25 = load i64, ptr %body.5:24
  %body.5:26 = add i64 %body:1, %body.5:25
  %body.5:27 = and i64 %body.5:26, %body.5:23
  %body.5:28 = mul i64 %body.5:27, %body.5:19
  %body.5:29 = mul i64 %head.5:0, %body.5:21
  %body.5:30 = add i64 %body.5:28, %body.5:29
  %body.5:31 = getelementptr float, ptr %body.5:17, i64 %body.5:30
  %body.5:32 = getelementptr i64, ptr %argument:0, i64 44
  %body.5:33 = load ptr, ptr %body.5:32
  %body.5:34 = getelementptr i64, ptr %argument:0, i64 45
  %body.5:35 = load i64, ptr %body.5:34
  %body.5:36 = getelementptr i64, ptr %argument:0, i64 46
  %body.5:37 = load i64, ptr %body.5:36
  %body.5:38 = getelementptr i64, ptr %argument:0, i64 47
  %body.5:39 = load i64, ptr %body.5:38
  %body.5:40 = getelementptr i64, ptr %argument:0, i64 48
  %body.5:41 = load i64, ptr %body.5:40
  %body.5:42 = add i64 %body:1, %body.5:41
  %body.5:43 = and i64 %body.5:42, %body.5:39
  %body.5:44 = mul i64 %body.5:43, %body.5:35
  %body.5:45 = mul i64 %head.5:0, %body.5:37
  %body.5:46 = add i64 %body.5:44, %body.5:45
  %body.5:47 = getelementptr float, ptr %body.5:33, i64 %body.5:46
  %body.5:48 = getelementptr i64, ptr %argument:0, i64 49
  %body.5:49 = load ptr, ptr %body.5:48
  %body.5:50 = getelementptr i64, ptr %argument:0, i64 50
  %body.5:51 = load i64, ptr %body.5:50
  %body.5:52 = getelementptr i64, ptr %argument:0, i64 51
  %body.5:53 = load i64, ptr %body.5:52
  %body.5:54 = getelementptr i64, ptr %argument:0, i64 52
  %body.5:55 = load i64, ptr %body.5:54
  %body.5:56 = getelementptr i64, ptr %argument:0, i64 53
  %body.5:57 = load i64, ptr %body.5:56
  %body.5:58 = add i64 %body:1, %body.5:57
  %body.5:59 = and i64 %body.5:58, %body.5:55
  %body.5:60 = mul i64 %body.5:59, %body.5:51
  %body.5:61 = mul i64 %head.5:0, %body.5:53
  %body.5:62 = add i64 %body.5:60, %body.5:61
  %body.5:63 = getelementptr float, ptr %body.5:49, i64 %body.5:62
  %body.5:64 = getelementptr i64, ptr %argument:0, i64 54
  %body.5:65 = load ptr, ptr %body.5:64
  %body.5:66 = getelementptr i64, ptr %argument:0, i64 55
  %body.5:67 = load i64, ptr %body.5:66
  %body.5:68 = getelementptr i64, ptr %argument:0, i64 56
  %body.5:69 = load i64, ptr %body.5:68
  %body.5:70 = getelementptr i64, ptr %argument:0, i64 57
  %body.5:71 = load i64, ptr %body.5:70
  %body.5:72 = getelementptr i64, ptr %argument:0, i64 58
  %body.5:73 = load i64, ptr %body.5:72
  %body.5:74 = add i64 %body:1, %body.5:73
  %body.5:75 = and i64 %body.5:74, %body.5:71
  %body.5:76 = mul i64 %body.5:75, %body.5:67
  %body.5:77 = mul i64 %head.5:0, %body.5:69
  %body.5:78 = add i64 %body.5:76, %body.5:77
  %body.5:79 = getelementptr float, ptr %body.5:65, i64 %body.5:78
  %body.5:80 = getelementptr i64, ptr %argument:0, i64 28
  %body.5:81 = load i64, ptr %body.5:80
  %body.5:82 = sitofp i64 %body.5:81 to float
  %body.5:83 = insertelement <8 x float> splat(float undef), float %body.5:82, i32 0
  %body.5:84 = shufflevector <8 x float> %body.5:83, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.5:85 = load float, ptr %body.5:31
  %body.5:86 = insertelement <8 x float> splat(float undef), float %body.5:85, i32 0
  %body.5:87 = shufflevector <8 x float> %body.5:86, <8 x float> splat(float undef), <8 x i32> splat(i32 0)
  %body.5:88 = fdiv <8 x float> %body.5:87, %body.5:84
  %body.5:89 = fadd <8 x float> %body.5:88, splat(float 0x3ee4f8b580000000)
  %body.5:90 = call <8 x float> @"llvm.sqrt.v8f32"(<8 x float> %body.5:89)
  %body.5:91 = getelementptr i64, ptr %argument:0, i64 28
  %body.5:92 = load i64, ptr %body.5:91
  br label %"head.6"
after.5:
  br label %"head"
head.6:
  %head.6:0 = phi  i64 [0, %"body.5"], [%head.6:1, %"body.6"]
  %head.6:1 = add i64 %head.6:0, 8
  %head.6:2 = icmp sle i64 %head.6:1, %body.5:92
  br i1 %head.6:2, label %"body.6", label %"after.6"
body.6:
  %body.6:0 = getelementptr float, ptr %body.5:15, i64 %head.6:0
  %body.6:1 = load <8 x float>, ptr %body.6:0, align 4
  %body.6:2 = fdiv <8 x float> %body.6:1, %body.5:90
  %body.6:3 = getelementptr float, ptr %body.5:47, i64 %head.6:0
  %body.6:4 = load <8 x float>, ptr %body.6:3, align 4
  %body.6:5 = fmul <8 x float> %body.6:2, %body.6:4
  %body.6:6 = getelementptr float, ptr %body.5:63, i64 %head.6:0
  %body.6:7 = load <8 x float>, ptr %body.6:6, align 4
  %body.6:8 = fadd <8 x float> %body.6:5, %body.6:7
  %body.6:9 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %body.6:8)
  %body.6:10 = fcmp ogt <8 x float> %body.6:9, splat(float 0x4022333340000000)
  %body.6:11 = select  <8 x i1> %body.6:10, <8 x float> splat(float 0x4022333340000000), <8 x float> %body.6:9
  %body.6:12 = fadd <8 x float> %body.6:11, %body.6:11
  %body.6:13 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.6:12, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %body.6:14 = fsub <8 x float> %body.6:13, splat(float 0x4168000000000000)
  %body.6:15 = bitcast <8 x float> %body.6:13 to <8 x i32>
  %body.6:16 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %body.6:17 = sub <8 x i32> %body.6:15, %body.6:16
  %body.6:18 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.6:14, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %body.6:12)
  %body.6:19 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.6:14, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %body.6:18)
  %body.6:20 = fmul <8 x float> %body.6:19, %body.6:19
  %body.6:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %body.6:19, <8 x float> splat(float 0x3f81215820000000))
  %body.6:22 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.6:21, <8 x float> %body.6:19, <8 x float> splat(float 0x3fa5555140000000))
  %body.6:23 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.6:22, <8 x float> %body.6:19, <8 x float> splat(float 0x3fc5554d40000000))
  %body.6:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.6:23, <8 x float> %body.6:19, <8 x float> splat(float 0x3fe0000000000000))
  %body.6:25 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.6:20, <8 x float> %body.6:24, <8 x float> %body.6:19)
  %body.6:26 = add <8 x i32> %body.6:17, splat(i32 127)
  %body.6:27 = shl <8 x i32> %body.6:26, splat(i32 23)
  %body.6:28 = bitcast <8 x i32> %body.6:27 to <8 x float>
  %body.6:29 = fsub <8 x float> %body.6:28, splat(float 0x3ff0000000000000)
  %body.6:30 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.6:28, <8 x float> %body.6:25, <8 x float> %body.6:29)
  %body.6:31 = fadd <8 x float> %body.6:30, splat(float 0x4000000000000000)
  %body.6:32 = fdiv <8 x float> %body.6:30, %body.6:31
  %body.6:33 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %body.6:32, <8 x float> %body.6:8)
  %body.6:34 = getelementptr float, ptr %body.5:79, i64 %head.6:0
  store <8 x float> %body.6:33, ptr %body.6:34, align 4
  br label %"head.6"
after.6:
  %after.6:0 = sub i64 %body.5:92, %head.6:0
  %after.6:1 = icmp sgt i64 %after.6:0, 0
  br i1 %after.6:1, label %"after.6.if", label %"after.6.endif"
after.6.if:
  %after.6.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.6:0, i32 0
  %after.6.if:1 = shufflevector <8 x i64> %after.6.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.6.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.6.if:1
  %after.6.if:3 = getelementptr float, ptr %body.5:15, i64 %head.6:0
  %after.6.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.6.if:3, i32 4, <8 x i1> %after.6.if:2, <8 x float> splat(float              0x0))
  %after.6.if:5 = fdiv <8 x float> %after.6.if:4, %body.5:90
  %after.6.if:6 = getelementptr float, ptr %body.5:47, i64 %head.6:0
  %after.6.if:7 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.6.if:6, i32 4, <8 x i1> %after.6.if:2, <8 x float> splat(float              0x0))
  %after.6.if:8 = fmul <8 x float> %after.6.if:5, %after.6.if:7
  %after.6.if:9 = getelementptr float, ptr %body.5:63, i64 %head.6:0
  %after.6.if:10 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.6.if:9, i32 4, <8 x i1> %after.6.if:2, <8 x float> splat(float              0x0))
  %after.6.if:11 = fadd <8 x float> %after.6.if:8, %after.6.if:10
  %after.6.if:12 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %after.6.if:11)
  %after.6.if:13 = fcmp ogt <8 x float> %after.6.if:12, splat(float 0x4022333340000000)
  %after.6.if:14 = select  <8 x i1> %after.6.if:13, <8 x float> splat(float 0x4022333340000000), <8 x float> %after.6.if:12
  %after.6.if:15 = fadd <8 x float> %after.6.if:14, %after.6.if:14
  %after.6.if:16 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.6.if:15, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %after.6.if:17 = fsub <8 x float> %after.6.if:16, splat(float 0x4168000000000000)
  %after.6.if:18 = bitcast <8 x float> %after.6.if:16 to <8 x i32>
  %after.6.if:19 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %after.6.if:20 = sub <8 x i32> %after.6.if:18, %after.6.if:19
  %after.6.if:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.6.if:17, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %after.6.if:15)
  %after.6.if:22 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.6.if:17, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %after.6.if:21)
  %after.6.if:23 = fmul <8 x float> %after.6.if:22, %after.6.if:22
  %after.6.if:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %after.6.if:22, <8 x float> splat(float 0x3f81215820000000))
  %after.6.if:25 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.6.if:24, <8 x float> %after.6.if:22, <8 x float> splat(float 0x3fa5555140000000))
  %after.6.if:26 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.6.if:25, <8 x float> %after.6.if:22, <8 x float> splat(float 0x3fc5554d40000000))
  %after.6.if:27 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.6.if:26, <8 x float> %after.6.if:22, <8 x float> splat(float 0x3fe0000000000000))
  %after.6.if:28 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.6.if:23, <8 x float> %after.6.if:27, <8 x float> %after.6.if:22)
  %after.6.if:29 = add <8 x i32> %after.6.if:20, splat(i32 127)
  %after.6.if:30 = shl <8 x i32> %after.6.if:29, splat(i32 23)
  %after.6.if:31 = bitcast <8 x i32> %after.6.if:30 to <8 x float>
  %after.6.if:32 = fsub <8 x float> %after.6.if:31, splat(float 0x3ff0000000000000)
  %after.6.if:33 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.6.if:31, <8 x float> %after.6.if:28, <8 x float> %after.6.if:32)
  %after.6.if:34 = fadd <8 x float> %after.6.if:33, splat(float 0x4000000000000000)
  %after.6.if:35 = fdiv <8 x float> %after.6.if:33, %after.6.if:34
  %after.6.if:36 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %after.6.if:35, <8 x float> %after.6.if:11)
  %after.6.if:37 = getelementptr float, ptr %body.5:79, i64 %head.6:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.6.if:36, ptr %after.6.if:37, i32 4, <8 x i1> %after.6.if:2)
  br label %"after.6.endif"
after.6.endif:
  br label %"head.5"
}

declare <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %argument:0, i32 %argument:1, <8 x i1> %argument:2, <8 x float> %argument:3)

declare void @"llvm.masked.store.v8f32.p0"(<8 x float> %argument:0, ptr %argument:1, i32 %argument:2, <8 x i1> %argument:3)

declare <8 x float> @"llvm.sqrt.v8f32"(<8 x float> %argument:0)

declare <8 x float> @"llvm.fabs.v8f32"(<8 x float> %argument:0)

declare <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1, <8 x float> %argument:2)

declare <8 x float> @"llvm.copysign.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1)
