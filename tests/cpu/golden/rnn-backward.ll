declare void @"conveyor_product_avx2_f32"(ptr %argument:0, i64 %argument:1, ptr %argument:2, ptr %argument:3, i64 %argument:4, i64 %argument:5, i64 %".7", i64 %".8")

define void @"steps"(ptr %argument:0, i64 %argument:1, i64 %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5)
{
entry:
  br label %"head"
head:
  %head:0 = phi  i64 [0, %"entry"], [%head:1, %"after.3"]
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
  %body.1:32 = getelementptr i64, ptr %argument:0, i64 10
  %body.1:33 = load ptr, ptr %body.1:32
  %body.1:34 = getelementptr i64, ptr %argument:0, i64 11
  %body.1:35 = load i64, ptr %body.1:34
  %body.1:36 = getelementptr i64, ptr %argument:0, i64 12
  %body.1:37 = load i64, ptr %body.1:36
  %body.1:38 = getelementptr i64, ptr %argument:0, i64 13
  %body.1:39 = load i64, ptr %body.1:38
  %body.1:40 = getelementptr i64, ptr %argument:0, i64 14
  %body.1:41 = load i64, ptr %body.1:40
  %body.1:42 = add i64 %body:1, %body.1:41
  %body.1:43 = and i64 %body.1:42, %body.1:39
  %body.1:44 = mul i64 %body.1:43, %body.1:35
  %body.1:45 = mul i64 %head.1:0, %body.1:37
  %body.1:46 = add i64 %body.1:44, %body.1:45
  %body.1:47 = getelementptr float, ptr %body.1:33, i64 %body.1:46
  %body.1:48 = getelementptr i64, ptr %argument:0, i64 15
  %body.1:49 = load ptr, ptr %body.1:48
  %body.1:50 = getelementptr i64, ptr %argument:0, i64 16
  %body.1:51 = load i64, ptr %body.1:50
  %body.1:52 = getelementptr i64, ptr %argument:0, i64 17
  %body.1:53 = load i64, ptr %body.1:52
  %body.1:54 = getelementptr i64, ptr %argument:0, i64 18
  %body.1:55 = load i64, ptr %body.1:54
  %body.1:56 = getelementptr i64, ptr %argument:0, i64 19
  %body.1:57 = load i64, ptr %body.1:56
  %body.1:58 = add i64 %body:1, %body.1:57
  %body.1:59 = and i64 %body.1:58, %body.1:55
  %body.1:60 = mul i64 %body.1:59, %body.1:51
  %body.1:61 = mul i64 %head.1:0, %body.1:53
  %body.1:62 = add i64 %body.1:60, %body.1:61
  %body.1:63 = getelementptr float, ptr %body.1:49, i64 %body.1:62
  %body.1:64 = getelementptr i64, ptr %argument:0, i64 20
  %body.1:65 = load i64, ptr %body.1:64
  br label %"head.2"
after.1:
  %after.1:0 = getelementptr i64, ptr %argument:0, i64 21
  %after.1:1 = load ptr, ptr %after.1:0
  %after.1:2 = getelementptr i64, ptr %argument:0, i64 22
  %after.1:3 = load i64, ptr %after.1:2
  %after.1:4 = getelementptr i64, ptr %argument:0, i64 23
  %after.1:5 = load i64, ptr %after.1:4
  %after.1:6 = getelementptr i64, ptr %argument:0, i64 15
  %after.1:7 = load ptr, ptr %after.1:6
  %after.1:8 = getelementptr i64, ptr %argument:0, i64 16
  %after.1:9 = load i64, ptr %after.1:8
  %after.1:10 = getelementptr i64, ptr %argument:0, i64 17
  %after.1:11 = load i64, ptr %after.1:10
  %after.1:12 = getelementptr i64, ptr %argument:0, i64 18
  %after.1:13 = load i64, ptr %after.1:12
  %after.1:14 = getelementptr i64, ptr %argument:0, i64 19
  %after.1:15 = load i64, ptr %after.1:14
  %after.1:16 = add i64 %body:1, %after.1:15
  %after.1:17 = and i64 %after.1:16, %after.1:13
  %after.1:18 = mul i64 %after.1:17, %after.1:9
  %after.1:19 = mul i64 %argument:4, %after.1:11
  %after.1:20 = add i64 %after.1:18, %after.1:19
  %after.1:21 = getelementptr float, ptr %after.1:7, i64 %after.1:20
  %after.1:22 = getelementptr i64, ptr %argument:0, i64 17
  %after.1:23 = load i64, ptr %after.1:22
  %after.1:24 = getelementptr i64, ptr %argument:0, i64 24
  %after.1:25 = load ptr, ptr %after.1:24
  %after.1:26 = getelementptr i64, ptr %argument:0, i64 25
  %after.1:27 = load i64, ptr %after.1:26
  %after.1:28 = getelementptr i64, ptr %argument:0, i64 26
  %after.1:29 = load i64, ptr %after.1:28
  %after.1:30 = getelementptr i64, ptr %argument:0, i64 27
  %after.1:31 = load i64, ptr %after.1:30
  %after.1:32 = getelementptr i64, ptr %argument:0, i64 28
  %after.1:33 = load i64, ptr %after.1:32
  %after.1:34 = add i64 %body:1, %after.1:33
  %after.1:35 = and i64 %after.1:34, %after.1:31
  %after.1:36 = mul i64 %after.1:35, %after.1:27
  %after.1:37 = mul i64 %argument:4, %after.1:29
  %after.1:38 = add i64 %after.1:36, %after.1:37
  %after.1:39 = getelementptr float, ptr %after.1:25, i64 %after.1:38
  %after.1:40 = getelementptr i64, ptr %argument:0, i64 26
  %after.1:41 = load i64, ptr %after.1:40
  %after.1:42 = sub i64 %argument:5, %argument:4
  call void @"conveyor_product_avx2_f32"(ptr %after.1:21, i64 %after.1:23, ptr %after.1:1, ptr %after.1:39, i64 %after.1:41, i64 %after.1:42, i64 %after.1:3, i64 %after.1:5)
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
  %body.2:4 = getelementptr float, ptr %body.1:47, i64 %head.2:0
  %body.2:5 = load <8 x float>, ptr %body.2:4, align 4
  %body.2:6 = fadd <8 x float> %body.2:3, %body.2:5
  %body.2:7 = fmul <8 x float> %body.2:1, %body.2:1
  %body.2:8 = fsub <8 x float> splat(float 0x3ff0000000000000), %body.2:7
  %body.2:9 = fmul <8 x float> %body.2:6, %body.2:8
  %body.2:10 = getelementptr float, ptr %body.1:63, i64 %head.2:0
  store <8 x float> %body.2:9, ptr %body.2:10, align 4
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
  %after.2.if:7 = getelementptr float, ptr %body.1:47, i64 %head.2:0
  %after.2.if:8 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.2.if:7, i32 4, <8 x i1> %after.2.if:2, <8 x float> splat(float              0x0))
  %after.2.if:9 = fadd <8 x float> %after.2.if:6, %after.2.if:8
  %after.2.if:10 = fmul <8 x float> %after.2.if:4, %after.2.if:4
  %after.2.if:11 = fsub <8 x float> splat(float 0x3ff0000000000000), %after.2.if:10
  %after.2.if:12 = fmul <8 x float> %after.2.if:9, %after.2.if:11
  %after.2.if:13 = getelementptr float, ptr %body.1:63, i64 %head.2:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.2.if:12, ptr %after.2.if:13, i32 4, <8 x i1> %after.2.if:2)
  br label %"after.2.endif"
after.2.endif:
  br label %"head.1"
head.3:
  %head.3:0 = phi  i64 [%argument:4, %"after.1"], [%head.3:1, %"after.4.endif"]
  %head.3:1 = add i64 %head.3:0, 1
  %head.3:2 = icmp sle i64 %head.3:1, %argument:5
  br i1 %head.3:2, label %"body.3", label %"after.3"
body.3:
  %body.3:0 = getelementptr i64, ptr %argument:0, i64 24
  %body.3:1 = load ptr, ptr %body.3:0
  %body.3:2 = getelementptr i64, ptr %argument:0, i64 25
  %body.3:3 = load i64, ptr %body.3:2
  %body.3:4 = getelementptr i64, ptr %argument:0, i64 26
  %body.3:5 = load i64, ptr %body.3:4
  %body.3:6 = getelementptr i64, ptr %argument:0, i64 27
  %body.3:7 = load i64, ptr %body.3:6
  %body.3:8 = getelementptr i64, ptr %argument:0, i64 28
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
  %body.3:32 = getelementptr i64, ptr %argument:0, i64 20
  %body.3:33 = load i64, ptr %body.3:32
  br label %"head.4"
after.3:
  br label %"head"
head.4:
  %head.4:0 = phi  i64 [0, %"body.3"], [%head.4:1, %"body.4"]
  %head.4:1 = add i64 %head.4:0, 8
  %head.4:2 = icmp sle i64 %head.4:1, %body.3:33
  br i1 %head.4:2, label %"body.4", label %"after.4"
body.4:
  %body.4:0 = getelementptr float, ptr %body.3:15, i64 %head.4:0
  %body.4:1 = load <8 x float>, ptr %body.4:0, align 4
  %body.4:2 = getelementptr float, ptr %body.3:31, i64 %head.4:0
  store <8 x float> %body.4:1, ptr %body.4:2, align 4
  br label %"head.4"
after.4:
  %after.4:0 = sub i64 %body.3:33, %head.4:0
  %after.4:1 = icmp sgt i64 %after.4:0, 0
  br i1 %after.4:1, label %"after.4.if", label %"after.4.endif"
after.4.if:
  %after.4.if:0 = insertelement <8 x i64> splat(i64 undef), i64 %after.4:0, i32 0
  %after.4.if:1 = shufflevector <8 x i64> %after.4.if:0, <8 x i64> splat(i64 undef), <8 x i32> splat(i32 0)
  %after.4.if:2 = icmp slt <8 x i64> <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>, %after.4.if:1
  %after.4.if:3 = getelementptr float, ptr %body.3:15, i64 %head.4:0
  %after.4.if:4 = call <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %after.4.if:3, i32 4, <8 x i1> %after.4.if:2, <8 x float> splat(float              0x0))
  %after.4.if:5 = getelementptr float, ptr %body.3:31, i64 %head.4:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.4.if:4, ptr %after.4.if:5, i32 4, <8 x i1> %after.4.if:2)
  br label %"after.4.endif"
after.4.endif:
  br label %"head.3"
}

declare <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %argument:0, i32 %argument:1, <8 x i1> %argument:2, <8 x float> %argument:3)

declare void @"llvm.masked.store.v8f32.p0"(<8 x float> %argument:0, ptr %argument:1, i32 %argument:2, <8 x i1> %argument:3)
