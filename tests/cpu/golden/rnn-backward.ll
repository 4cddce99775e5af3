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
  %entry:51 = getelementptr i64, ptr %argument:0, i64 17
  %entry:52 = load i64, ptr %entry:51
  %entry:53 = getelementptr i64, ptr %argument:0, i64 18
  %entry:54 = load i64, ptr %entry:53
  %entry:55 = getelementptr i64, ptr %argument:0, i64 19
  %entry:56 = load i64, ptr %entry:55
  %entry:57 = getelementptr i64, ptr %argument:2, i64 %entry:52
  %entry:58 = load i64, ptr %entry:57
  %entry:59 = getelementptr i64, ptr %argument:0, i64 15
  %entry:60 = load i64, ptr %entry:59
  %entry:61 = getelementptr ptr, ptr %argument:1, i64 %entry:60
  %entry:62 = load ptr, ptr %entry:61
  %entry:63 = getelementptr i64, ptr %argument:0, i64 16
  %entry:64 = load i64, ptr %entry:63
  %entry:65 = getelementptr i8, ptr %entry:62, i64 %entry:64
  %entry:66 = mul i64 %entry:58, %entry:54
  %entry:67 = getelementptr float, ptr %entry:65, i64 %entry:66
  %entry:68 = getelementptr i64, ptr %argument:0, i64 20
  %entry:69 = load i64, ptr %entry:68
  %entry:70 = add i64 %entry:69, 7
  %entry:71 = sdiv i64 %entry:70, 8
  %entry:72 = add i64 %argument:5, 1
  %entry:73 = mul i64 %entry:71, %argument:5
  %entry:74 = sdiv i64 %entry:73, %argument:6
  %entry:74 = mul i64 %entry:74, 8
  %entry:76 = mul i64 %entry:71, %entry:72
  %entry:77 = sdiv i64 %entry:76, %argument:6
  %entry:78 = mul i64 %entry:77, 8
  %entry:79 = icmp slt i64 %entry:74, %entry:69
  %entry:80 = select  i1 %entry:79, i64 %entry:74, i64 %entry:69
  %entry:81 = icmp slt i64 %entry:78, %entry:69
  %entry:82 = select  i1 %entry:81, i64 %entry:78, i64 %entry:69
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
  %body:4 = mul i64 %head:0, %entry:39
  %body:5 = getelementptr float, ptr %entry:50, i64 %body:4
  %body:6 = mul i64 %head:0, %entry:56
  %body:7 = getelementptr float, ptr %entry:67, i64 %body:6
  br label %"head.1"
after:
  %after:0 = icmp sgt i64 %argument:6, 1
  br i1 %after:0, label %"after.if", label %"after.endif"
head.1:
  %head.1:0 = phi  i64 [%entry:80, %"body"], [%head.1:1, %"body.1"]
  %head.1:1 = add i64 %head.1:0, 8
  %head.1:2 = icmp sle i64 %head.1:1, %entry:82
  br i1 %head.1:2, label %"body.1", label %"after.1"
body.1:
  %body.1:0 = getelementptr float, ptr %body:1, i64 %head.1:0
  %body.1:1 = load <8 x float>, ptr %body.1:0, align 4
  %body.1:2 = getelementptr float, ptr %body:3, i64 %head.1:0
  %body.1:3 = load <8 x float>, ptr %body.1:2, align 4
  %body.1:4 = fadd <8 x float> %body.1:1, %body.1:3
  %body.1:5 = getelementptr float, ptr %body:5, i64 %head.1:0
  %body.1:6 = load <8 x float>, ptr %body.1:5, align 4
  %body.1:7 = fmul <8 x float> %body.1:6, %body.1:6
  %body.1:8 = fsub <8 x float> splat(float 0x3ff0000000000000), %body.1:7
  %body.1:9 = fmul <8 x float> %body.1:4, %body.1:8
  %body.1:10 = getelementptr float, ptr %body:7, i64 %head.1:0
  store <8 x float> %body.1:9, ptr %body.1:10, align 4
  br label %"head.1"
after.1:
  %after.1:0 = sub i64 %entry:82, %head.1:0
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
  %after.1.if:10 = fmul <8 x float> %after.1.if:9, %after.1.if:9
  %after.1.if:11 = fsub <8 x float> splat(float 0x3ff0000000000000), %after.1.if:10
  %after.1.if:12 = fmul <8 x float> %after.1.if:7, %after.1.if:11
  %after.1.if:13 = getelementptr float, ptr %body:7, i64 %head.1:0
  call void @"llvm.masked.store.v8f32.p0"(<8 x float> %after.1.if:12, ptr %after.1.if:13, i32 4, <8 x i1> %after.1.if:2)
  br label %"after.1.endif"
after.1.endif:
  br label %"head"
after.if:
  call void @"conveyor_wait_avx2_f32"(ptr %argument:1, i64 %argument:6)
  br label %"after.endif"
after.endif:
  %after.endif:0 = getelementptr i64, ptr %argument:0, i64 23
  %after.endif:1 = load i64, ptr %after.endif:0
  %after.endif:2 = getelementptr i64, ptr %argument:0, i64 24
  %after.endif:3 = load i64, ptr %after.endif:2
  %after.endif:4 = getelementptr i64, ptr %argument:0, i64 25
  %after.endif:5 = load i64, ptr %after.endif:4
  %after.endif:6 = getelementptr i64, ptr %argument:0, i64 26
  %after.endif:7 = load i64, ptr %after.endif:6
  %after.endif:8 = getelementptr i64, ptr %argument:0, i64 17
  %after.endif:9 = load i64, ptr %after.endif:8
  %after.endif:10 = getelementptr i64, ptr %argument:0, i64 18
  %after.endif:11 = load i64, ptr %after.endif:10
  %after.endif:12 = getelementptr i64, ptr %argument:0, i64 19
  %after.endif:13 = load i64, ptr %after.endif:12
  %after.endif:14 = getelementptr i64, ptr %argument:2, i64 %after.endif:9
  %after.endif:15 = load i64, ptr %after.endif:14
  %after.endif:16 = getelementptr i64, ptr %argument:0, i64 15
  %after.endif:17 = load i64, ptr %after.endif:16
  %after.endif:18 = getelementptr ptr, ptr %argument:1, i64 %after.endif:17
  %after.endif:19 = load ptr, ptr %after.endif:18
  %after.endif:20 = getelementptr i64, ptr %argument:0, i64 16
  %after.endif:21 = load i64, ptr %after.endif:20
  %after.endif:22 = getelementptr i8, ptr %after.endif:19, i64 %after.endif:21
  %after.endif:23 = mul i64 %after.endif:15, %after.endif:11
  %after.endif:24 = getelementptr float, ptr %after.endif:22, i64 %after.endif:23
  %after.endif:25 = getelementptr i64, ptr %argument:0, i64 29
  %after.endif:26 = load i64, ptr %after.endif:25
  %after.endif:27 = getelementptr i64, ptr %argument:0, i64 30
  %after.endif:28 = load i64, ptr %after.endif:27
  %after.endif:29 = getelementptr i64, ptr %argument:0, i64 31
  %after.endif:30 = load i64, ptr %after.endif:29
  %after.endif:31 = getelementptr i64, ptr %argument:2, i64 %after.endif:26
  %after.endif:32 = load i64, ptr %after.endif:31
  %after.endif:33 = getelementptr i64, ptr %argument:0, i64 27
  %after.endif:34 = load i64, ptr %after.endif:33
  %after.endif:35 = getelementptr ptr, ptr %argument:1, i64 %after.endif:34
  %after.endif:36 = load ptr, ptr %after.endif:35
  %after.endif:37 = getelementptr i64, ptr %argument:0, i64 28
  %after.endif:38 = load i64, ptr %after.endif:37
  %after.endif:39 = getelementptr i8, ptr %after.endif:36, i64 %after.endif:38
  %after.endif:40 = mul i64 %after.endif:32, %after.endif:28
  %after.endif:41 = getelementptr float, ptr %after.endif:39, i64 %after.endif:40
  %after.endif:42 = sub i64 %argument:4, %argument:3
  %after.endif:43 = getelementptr i64, ptr %argument:0, i64 21
  %after.endif:44 = load i64, ptr %after.endif:43
  %after.endif:45 = getelementptr ptr, ptr %argument:1, i64 %after.endif:44
  %after.endif:46 = load ptr, ptr %after.endif:45
  %after.endif:47 = getelementptr i64, ptr %argument:0, i64 22
  %after.endif:48 = load i64, ptr %after.endif:47
  %after.endif:49 = getelementptr i8, ptr %after.endif:46, i64 %after.endif:48
  %after.endif:50 = mul i64 %argument:3, %after.endif:30
  %after.endif:51 = getelementptr float, ptr %after.endif:41, i64 %after.endif:50
  %after.endif:52 = mul i64 %argument:3, %after.endif:13
  %after.endif:53 = getelementptr float, ptr %after.endif:24, i64 %after.endif:52
  %after.endif:54 = add i64 %after.endif:3, 15
  %after.endif:55 = sdiv i64 %after.endif:54, 16
  %after.endif:56 = add i64 %after.endif:3, 15
  %after.endif:57 = sdiv i64 %after.endif:56, 16
  %after.endif:58 = add i64 %argument:5, 1
  %after.endif:59 = mul i64 %after.endif:57, %argument:5
  %after.endif:60 = sdiv i64 %after.endif:59, %argument:6
  %after.endif:61 = mul i64 %after.endif:60, 16
  %after.endif:62 = mul i64 %after.endif:57, %after.endif:58
  %after.endif:63 = sdiv i64 %after.endif:62, %argument:6
  %after.endif:64 = mul i64 %after.endif:63, 16
  %after.endif:65 = icmp slt i64 %after.endif:61, %after.endif:3
  %after.endif:66 = select  i1 %after.endif:65, i64 %after.endif:61, i64 %after.endif:3
  %after.endif:67 = icmp slt i64 %after.endif:64, %after.endif:3
  %after.endif:68 = select  i1 %after.endif:67, i64 %after.endif:64, i64 %after.endif:3
  %after.endif:69 = sdiv i64 %after.endif:66, 16
  %after.endif:70 = mul i64 %after.endif:69, %after.endif:7
  %after.endif:71 = getelementptr float, ptr %after.endif:49, i64 %after.endif:70
  %after.endif:72 = getelementptr float, ptr %after.endif:51, i64 %after.endif:66
  %after.endif:73 = sub i64 %after.endif:68, %after.endif:66
  call void @"conveyor_product_avx2_f32"(ptr %after.endif:53, i64 %after.endif:13, ptr %after.endif:71, ptr %after.endif:72, i64 %after.endif:30, i64 %after.endif:42, i64 %after.endif:1, i64 %after.endif:73, i64 %after.endif:5, i64 %after.endif:7)
  %after.endif:74 = icmp sgt i64 %argument:6, 1
  br i1 %after.endif:74, label %"after.endif.if", label %"after.endif.endif"
after.endif.if:
  call void @"conveyor_wait_avx2_f32"(ptr %argument:1, i64 %argument:6)
  br label %"after.endif.endif"
after.endif.endif:
  ret void
}

declare <8 x float> @"llvm.masked.load.v8f32.p0"(ptr %argument:0, i32 %argument:1, <8 x i1> %argument:2, <8 x float> %argument:3)

declare void @"llvm.masked.store.v8f32.p0"(<8 x float> %argument:0, ptr %argument:1, i32 %argument:2, <8 x i1> %argument:3)

define void @"after"(ptr %argument:0, ptr %argument:1, ptr %argument:2, i64 %argument:3, i64 %argument:4, i64 %argument:5, i64 %argument:6)
{
entry:
  %entry:0 = getelementptr i64, ptr %argument:0, i64 34
  %entry:1 = load i64, ptr %entry:0
  %entry:2 = getelementptr i64, ptr %argument:0, i64 35
  %entry:3 = load i64, ptr %entry:2
  %entry:4 = getelementptr i64, ptr %argument:0, i64 36
  %entry:5 = load i64, ptr %entry:4
  %entry:6 = getelementptr i64, ptr %argument:0, i64 37
  %entry:7 = load i64, ptr %entry:6
  %entry:8 = getelementptr i64, ptr %argument:0, i64 17
  %entry:9 = load i64, ptr %entry:8
  %entry:10 = getelementptr i64, ptr %argument:0, i64 18
  %entry:11 = load i64, ptr %entry:10
  %entry:12 = getelementptr i64, ptr %argument:0, i64 19
  %entry:13 = load i64, ptr %entry:12
  %entry:14 = getelementptr i64, ptr %argument:2, i64 %entry:9
  %entry:15 = load i64, ptr %entry:14
  %entry:16 = getelementptr i64, ptr %argument:0, i64 15
  %entry:17 = load i64, ptr %entry:16
  %entry:18 = getelementptr ptr, ptr %argument:1, i64 %entry:17
  %entry:19 = load ptr, ptr %entry:18
  %entry:20 = getelementptr i64, ptr %argument:0, i64 16
  %entry:21 = load i64, ptr %entry:20
  %entry:22 = getelementptr i8, ptr %entry:19, i64 %entry:21
  %entry:23 = mul i64 %entry:15, %entry:11
  %entry:24 = getelementptr float, ptr %entry:22, i64 %entry:23
  %entry:25 = getelementptr i64, ptr %argument:0, i64 40
  %entry:26 = load i64, ptr %entry:25
  %entry:27 = getelementptr i64, ptr %argument:0, i64 41
  %entry:28 = load i64, ptr %entry:27
  %entry:29 = getelementptr i64, ptr %argument:0, i64 42
  %entry:30 = load i64, ptr %entry:29
  %entry:31 = getelementptr i64, ptr %argument:2, i64 %entry:26
  %entry:32 = load i64, ptr %entry:31
  %entry:33 = getelementptr i64, ptr %argument:0, i64 38
  %entry:34 = load i64, ptr %entry:33
  %entry:35 = getelementptr ptr, ptr %argument:1, i64 %entry:34
  %entry:36 = load ptr, ptr %entry:35
  %entry:37 = getelementptr i64, ptr %argument:0, i64 39
  %entry:38 = load i64, ptr %entry:37
  %entry:39 = getelementptr i8, ptr %entry:36, i64 %entry:38
  %entry:40 = mul i64 %entry:32, %entry:28
  %entry:41 = getelementptr float, ptr %entry:39, i64 %entry:40
  %entry:42 = sub i64 %argument:4, %argument:3
  %entry:43 = getelementptr i64, ptr %argument:0, i64 32
  %entry:44 = load i64, ptr %entry:43
  %entry:45 = getelementptr ptr, ptr %argument:1, i64 %entry:44
  %entry:46 = load ptr, ptr %entry:45
  %entry:47 = getelementptr i64, ptr %argument:0, i64 33
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
