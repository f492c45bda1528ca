// RUN: dlp-opt -p 'tile-tasks{target=avx2 threads=2}' %s | filecheck %s
// RUN: dlp-opt -p 'tile-tasks{target=avx2 threads=1}' %s | filecheck %s --check-prefix ONE

// A product is cut into panels of columns for the threads; the relu behind it is computed inside the task.
// CHECK-LABEL: func.func private @matmul_relu
// CHECK: "scf.parallel"
// CHECK: %[[Y:.*]] = memref.subview %y[0, %{{.*}}] [128, [[N:[0-9]+]]] [1, 1]
// CHECK: %[[T:.*]] = memref.alloca() {{.*}} : memref<128x[[N]]xf32>
// CHECK: dlp.matmul ins({{.*}}) outs(%[[T]] : memref<128x[[N]]xf32>)
// CHECK: dlp.relu ins(%[[T]] : memref<128x[[N]]xf32>) outs(%[[Y]]
// CHECK-NOT: memref.alloc()
func.func private @matmul_relu(%a: memref<128x768xf32>, %w: memref<48x768x16xf32>, %y: memref<128x768xf32>) {
  %t = memref.alloc() : memref<128x768xf32>
  dlp.matmul ins(%a, %w : memref<128x768xf32>, memref<48x768x16xf32>) outs(%t : memref<128x768xf32>) {panel = 16}
  dlp.relu ins(%t : memref<128x768xf32>) outs(%y : memref<128x768xf32>)
  func.return
}

// Rows of a softmax stay whole: a tile of columns would reduce every row again.
// CHECK-LABEL: func.func private @softmax
// CHECK: "scf.parallel"
// CHECK: dlp.max ins({{.*}}x256xf32, {{.*}}
// CHECK: dlp.div ins({{.*}}x256xf32
func.func private @softmax(%x: memref<512x256xf32>, %y: memref<512x256xf32>) {
  %m = memref.alloc() : memref<512x1xf32>
  dlp.max ins(%x : memref<512x256xf32>) outs(%m : memref<512x1xf32>) {dims = array<i64: 1>}
  %d = memref.alloc() : memref<512x256xf32>
  dlp.sub ins(%x, %m : memref<512x256xf32>, memref<512x1xf32>) outs(%d : memref<512x256xf32>)
  %e = memref.alloc() : memref<512x256xf32>
  dlp.exp ins(%d : memref<512x256xf32>) outs(%e : memref<512x256xf32>)
  %s = memref.alloc() : memref<512x1xf32>
  dlp.sum ins(%e : memref<512x256xf32>) outs(%s : memref<512x1xf32>) {dims = array<i64: 1>}
  dlp.div ins(%e, %s : memref<512x256xf32>, memref<512x1xf32>) outs(%y : memref<512x256xf32>)
  func.return
}

// Depth first: rows of the pool's result, each with the rows of the convolution that it reads, a halo included. At the
// border too the convolution has its full number of rows.
// CHECK-LABEL: func.func private @conv_pool
// CHECK: "scf.parallel"
// CHECK: dlp.constant ins() {{.*}}value = 0xff800000 : f32
// CHECK: dlp.conv ins({{.*}}) outs(%{{.*}} : memref<1x{{[0-9]+}}x112x{{[0-9]+}}xf32
// CHECK-NOT: memref<1x?x112
// CHECK: dlp.max_pool
func.func private @conv_pool(%x: memref<1x229x229x3xf32>, %w: memref<4x7x7x3x16xf32>, %y: memref<1x56x56x64xf32>) {
  %t = memref.alloc() : memref<1x112x112x64xf32>
  dlp.conv ins(%x, %w : memref<1x229x229x3xf32>, memref<4x7x7x3x16xf32>) outs(%t : memref<1x112x112x64xf32>) {layout = "channels_last", strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, groups = 1, panel = 16}
  %p = memref.alloc() : memref<1x114x114x64xf32>
  dlp.pad ins(%t : memref<1x112x112x64xf32>) outs(%p : memref<1x114x114x64xf32>) {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0xFF800000 : f32}
  dlp.max_pool ins(%p : memref<1x114x114x64xf32>) outs(%y : memref<1x56x56x64xf32>) {layout = "channels_last", kernel = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>}
  func.return
}

// Too small to share: starting the threads costs more than it saves.
// CHECK-LABEL: func.func private @small
// CHECK-NOT: scf.parallel
// ONE-LABEL: func.func private @small
// ONE-NOT: scf.parallel
func.func private @small(%x: memref<4x10xf32>, %y: memref<4x10xf32>) {
  dlp.relu ins(%x : memref<4x10xf32>) outs(%y : memref<4x10xf32>)
  func.return
}

// What asks for its place in the whole cannot be cut.
// CHECK-LABEL: func.func private @iota
// CHECK-NEXT: dlp.iota
func.func private @iota(%y: memref<4096x4096xi64>) {
  dlp.iota ins() outs(%y : memref<4096x4096xi64>) {dimension = 1}
  func.return
}

// Public functions call kernels; they are not kernels.
// CHECK-LABEL: func.func @forward
// CHECK-NEXT: dlp.relu
func.func @forward(%x: memref<4096x4096xf32>, %y: memref<4096x4096xf32>) {
  dlp.relu ins(%x : memref<4096x4096xf32>) outs(%y : memref<4096x4096xf32>)
  func.return
}

// Groups of 48 channels are wider than a panel of 16: a task has whole groups.
// CHECK-LABEL: func.func private @wide_groups
// CHECK: "scf.parallel"
// CHECK: memref.alloca() {{.*}} : memref<1x50x{{48|96|192|384}}xf32>
// CHECK: dlp.conv
// CHECK: dlp.add
func.func private @wide_groups(%x: memref<1x177x768xf32>, %w: memref<48x128x48x16xf32>, %b: memref<768xf32>, %y: memref<1x50x768xf32>) {
  %t = memref.alloc() : memref<1x50x768xf32>
  dlp.conv ins(%x, %w : memref<1x177x768xf32>, memref<48x128x48x16xf32>) outs(%t : memref<1x50x768xf32>) {layout = "channels_last", strides = array<i64: 1>, dilations = array<i64: 1>, groups = 16 : i64, panel = 16}
  dlp.add ins(%t, %b : memref<1x50x768xf32>, memref<768xf32>) outs(%y : memref<1x50x768xf32>)
  func.return
}

// A transform's tiles start at its runs: of lines whose number only a run knows, what whole runs leave is one tile.
// CHECK:      func.func private @transform(
// CHECK-SAME:   %[[LINES:[a-z0-9]+]]: index
// CHECK:        %[[RUNS:.*]] = affine.apply affine_map<(d0) -> ((d0 floordiv 2))> (%[[LINES]])
// CHECK:        scf.for %{{.*}} to %[[RUNS]]
// CHECK:          dlp.winograd_output_transform {{.*}} outs(%{{.*}} : memref<1x2x
// CHECK:        affine.apply affine_map<(d0) -> ((d0 * 2))> (%[[RUNS]])
// CHECK:          dlp.winograd_output_transform {{.*}} outs(%{{.*}} : memref<1x1x
func.func private @transform(%m: memref<4x4x1x?x5x8xf32, #dlp.dims<[4, 4, 1, "((s0 + 1) // 2)", 5, 8], [], {s0 = 9}>>, %y: memref<1x?x10x8xf32, #dlp.dims<[1, "s0", 10, 8], [], {s0 = 9}>>, %s0: index) attributes {dlp.symbols = {s0 = 2 : i64}} {
  dlp.winograd_output_transform ins(%m : memref<4x4x1x?x5x8xf32, #dlp.dims<[4, 4, 1, "((s0 + 1) // 2)", 5, 8], [], {s0 = 9}>>) outs(%y : memref<1x?x10x8xf32, #dlp.dims<[1, "s0", 10, 8], [], {s0 = 9}>>) {tile = 2, window = 3}
  func.return
}
