declare void @"conveyor_product_avx2_f32"(ptr %argument:0, i64 %argument:1, ptr %argument:2, ptr %argument:3, i64 %argument:4, i64 %argument:5, i64 %".7", i64 %".8")

define void @"steps"(ptr %argument:0, i64 %argument:1, i64 %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5)
{
entry:
  br label %"head"
head:
  %head:0 = phi  i64 [0, %"entry"], [%head:1, %"after.1"]
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
  br label %"head.2"
after.1:
  br label %"head"
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
  %body.2:8 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %body.2:7)
  %body.2:9 = fcmp ogt <8 x float> %body.2:8, splat(float 0x4022333340000000)
  %body.2:10 = select  <8 x i1> %body.2:9, <8 x float> splat(float 0x4022333340000000), <8 x float> %body.2:8
  %body.2:11 = fadd <8 x float> %body.2:10, %body.2:10
  %body.2:12 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.2:11, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %body.2:13 = fsub <8 x float> %body.2:12, splat(float 0x4168000000000000)
  %body.2:14 = bitcast <8 x float> %body.2:12 to <8 x i32>
  %body.2:15 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %body.2:16 = sub <8 x i32> %body.2:14, %body.2:15
  %body.2:17 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.2:13, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %body.2:11)
  %body.2:18 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.2:13, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %body.2:17)
  %body.2:19 = fmul <8 x float> %body.2:18, %body.2:18
  %body.2:20 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %body.2:18, <8 x float> splat(float 0x3f81215820000000))
  %body.2:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.2:20, <8 x float> %body.2:18, <8 x float> splat(float 0x3fa5555140000000))
  %body.2:22 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.2:21, <8 x float> %body.2:18, <8 x float> splat(float 0x3fc5554d40000000))
  %body.2:23 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.2:22, <8 x float> %body.2:18, <8 x float> splat(float 0x3fe0000000000000))
  %body.2:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.2:19, <8 x float> %body.2:23, <8 x float> %body.2:18)
  %body.2:25 = add <8 x i32> %body.2:16, splat(i32 127)
  %body.2:26 = shl <8 x i32> %body.2:25, splat(i32 23)
  %body.2:27 = bitcast <8 x i32> %body.2:26 to <8 x float>
  %body.2:28 = fsub <8 x float> %body.2:27, splat(float 0x3ff0000000000000)
  %body.2:29 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %body.2:27, <8 x float> %body.2:24, <8 x float> %body.2:28)
  %body.2:30 = fadd <8 x float> %body.2:29, splat(float 0x4000000000000000)
  %body.2:31 = fdiv <8 x float> %body.2:29, %body.2:30
  %body.2:32 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %body.2:31, <8 x float> %body.2:7)
  %body.2:33 = getelementptr float, ptr %body.1:63, i64 %head.2:0
  store <8 x float> %body.2:32, ptr %body.2:33, align 4
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
  %after.2.if:11 = call <8 x float> @"llvm.fabs.v8f32"(<8 x float> %after.2.if:10)
  %after.2.if:12 = fcmp ogt <8 x float> %after.2.if:11, splat(float 0x4022333340000000)
  %after.2.if:13 = select  <8 x i1> %after.2.if:12, <8 x float> splat(float 0x4022333340000000), <8 x float> %after.2.if:11
  %after.2.if:14 = fadd <8 x float> %after.2.if:13, %after.2.if:13
  %after.2.if:15 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.2.if:14, <8 x float> splat(float 0x3ff7154760000000), <8 x float> splat(float 0x4168000000000000))
  %after.2.if:16 = fsub <8 x float> %after.2.if:15, splat(float 0x4168000000000000)
  %after.2.if:17 = bitcast <8 x float> %after.2.if:15 to <8 x i32>
  %after.2.if:18 = bitcast <8 x float> splat(float 0x4168000000000000) to <8 x i32>
  %after.2.if:19 = sub <8 x i32> %after.2.if:17, %after.2.if:18
  %after.2.if:20 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.2.if:16, <8 x float> splat(float 0xbfe62e0000000000), <8 x float> %after.2.if:14)
  %after.2.if:21 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.2.if:16, <8 x float> splat(float 0xbf00bfbe80000000), <8 x float> %after.2.if:20)
  %after.2.if:22 = fmul <8 x float> %after.2.if:21, %after.2.if:21
  %after.2.if:23 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> splat(float 0x3f56d1b1c0000000), <8 x float> %after.2.if:21, <8 x float> splat(float 0x3f81215820000000))
  %after.2.if:24 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.2.if:23, <8 x float> %after.2.if:21, <8 x float> splat(float 0x3fa5555140000000))
  %after.2.if:25 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.2.if:24, <8 x float> %after.2.if:21, <8 x float> splat(float 0x3fc5554d40000000))
  %after.2.if:26 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.2.if:25, <8 x float> %after.2.if:21, <8 x float> splat(float 0x3fe0000000000000))
  %after.2.if:27 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.2.if:22, <8 x float> %after.2.if:26, <8 x float> %after.2.if:21)
  %after.2.if:28 = add <8 x i32> %after.2.if:19, splat(i32 127)
  %after.2.if:29 = shl <8 x i32> %after.2.if:28, splat(i32 23)
  %after.2.if:30 = bitcast <8 x i32> %after.2.if:29 to <8 x float>
  %after.2.if:31 = fsub <8 x float> %after.2.if:30, splat(float 0x3ff0000000000000)
  %after.2.if:32 = call <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %after.2.if:30, <8 x float> %after.2.if:27, <8 x float> %after.2.if:31)
  %after.2.if:33 = fadd <8 x float> %after.2.if:32, splat(float 0x4000000000000000)
  %after.2.if:34 = fdiv <8 x float> %after.2.if:32, %after.2.if:33
  %after.2.if:35 = call <8 x float> @"llvm.copysign.v8f32"(<8 x float> %after.2.if:34, <8 x float> %after.2.if:10)
  %after.2.if:36 = getelementptr float, ptr %body.1:63, i64 %head.2:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.2.if:35, ptr %after.2.if:36, i32 4, <8 x i1> %after.2.if:2)
  br label %"after.2.endif"
after.2.endif:
  br label %"head.1"
}

declare <8 x float> @"llvm.fabs.v8f32"(<8 x float> %argument:0)

declare <8 x float> @"llvm.fmuladd.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1, <8 x float> %argument:2)

declare <8 x float> @"llvm.copysign.v8f32"(<8 x float> %argument:0, <8 x float> %argument:1)

declare <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %argument:0, i32 %argument:1, <8 x i1> %argument:2, <8 x float> %argument:3)

declare void @"llvm.masked.store.v8f32.p0"(<8 x float> %argument:0, ptr %argument:1, i32 %argument:2, <8 x i1> %argument:3)
