// RUN: dlp-opt -p 'tile-registers{target=avx2},vectorize{target=avx2},prefetch-weights{target=avx2}' --split-input-file %s | filecheck %s
// RUN: dlp-opt -p 'tile-registers{target=scalar},vectorize{target=scalar},prefetch-weights{target=scalar}' --split-input-file %s | filecheck %s --check-prefix NONE

// NONE-NOT: memref.prefetch

// A panel that the first-level cache holds is not asked for again: there is no other prefetch.
// Three tiles of rows share a panel of 512 x 16: each asks, at each step, for the next 6 elements of the panel behind,
// the third for what is left; behind the last panel there is none.
// CHECK-LABEL: func.func private @streamed
// CHECK: scf.for %[[N:.*]] =
// CHECK: scf.for %[[M:.*]] =
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %w
// CHECK-NEXT: %[[START:.*]] = affine.min
// CHECK-NEXT: %[[NEXT:.*]] = memref.subview %[[FLAT]][%[[START]]] [3072] [1]
// CHECK: scf.for %[[K:.*]] = {{.*}} iter_args
// CHECK: %[[AT:.*]] = affine.apply {{.*}}d0 * 6{{.*}} (%[[K]])
// CHECK-NEXT: memref.prefetch %[[NEXT]][%[[AT]]], read, locality<2>, data
// CHECK-NOT: memref.prefetch
func.func private @streamed(%a: memref<18x512xf32>, %w: memref<32x512x16xf32>, %y: memref<18x512xf32>) {
  dlp.matmul ins(%a, %w : memref<18x512xf32>, memref<32x512x16xf32>) outs(%y : memref<18x512xf32>) {panel = 16}
  func.return
}

// -----

// What fits the first-level cache may still be there, and comes soon where it is not.
// CHECK-LABEL: func.func private @small
// CHECK-NOT: memref.prefetch
func.func private @small(%a: memref<18x128xf32>, %w: memref<4x128x16xf32>, %y: memref<18x64xf32>) {
  dlp.matmul ins(%a, %w : memref<18x128xf32>, memref<4x128x16xf32>) outs(%y : memref<18x64xf32>) {panel = 16}
  func.return
}

// -----

// One tile of rows reads the weights in a row.
// CHECK-LABEL: func.func private @once
// CHECK-NOT: memref.prefetch
func.func private @once(%a: memref<6x512xf32>, %w: memref<32x512x16xf32>, %y: memref<6x512xf32>) {
  dlp.matmul ins(%a, %w : memref<6x512xf32>, memref<32x512x16xf32>) outs(%y : memref<6x512xf32>) {panel = 16}
  func.return
}

// -----

// Weights that are not packed: a tile's columns do not lie together.
// CHECK-LABEL: func.func private @not_packed
// CHECK: vector.load %w
// CHECK-NOT: memref.prefetch
func.func private @not_packed(%a: memref<18x512xf32>, %w: memref<512x512xf32>, %y: memref<18x512xf32>) {
  dlp.matmul ins(%a, %w : memref<18x512xf32>, memref<512x512xf32>) outs(%y : memref<18x512xf32>)
  func.return
}

// -----

// Tiles of 4 and of 3 pixels, 14 in all, share a panel of 3 x 3 x 64 x 24.
// CHECK-LABEL: func.func private @windows
// CHECK: scf.for %[[C:.*]] =
// CHECK: scf.for %[[H:.*]] =
// CHECK: %[[FIRST:.*]] = affine.min
// CHECK: memref.subview %{{.*}}[%[[FIRST]]] [1152] [1]
// CHECK: scf.for %[[KH:.*]] = {{.*}} iter_args
// CHECK: scf.for %[[KW:.*]] = {{.*}} iter_args
// CHECK: scf.for %[[K:.*]] = {{.*}} iter_args
// CHECK: %[[AT:.*]] = affine.apply
// CHECK-NEXT: memref.prefetch %{{.*}}[%[[AT]]], read, locality<2>, data
// CHECK: %[[SECOND:.*]] = affine.min
// CHECK: memref.subview %{{.*}}[%[[SECOND]]] [1152] [1]
// CHECK: memref.prefetch
func.func private @windows(%x: memref<1x9x9x64xf32>, %w: memref<16x3x3x64x24xf32>, %y: memref<1x7x7x384xf32>) {
  dlp.conv ins(%x, %w : memref<1x9x9x64xf32>, memref<16x3x3x64x24xf32>) outs(%y : memref<1x7x7x384xf32>) {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1, panel = 24}
  func.return
}

// -----

// A panel of 64 KiB comes from the second-level cache for each tile of rows: what is read in 8 steps is asked for as
// well, for the last panel no further than its end.
// CHECK-LABEL: func.func private @long_panel
// CHECK: %[[AHEAD:.*]] = affine.min affine_map<(d0) -> (((d0 * 16384) + 128), 245760)>
// CHECK-NEXT: %[[LINES:.*]] = memref.subview %{{.*}}[%[[AHEAD]]] [16384] [1]
// CHECK: scf.for %[[K:.*]] = {{.*}} iter_args
// CHECK: memref.prefetch %{{.*}}, read, locality<2>, data
// CHECK: %[[AT:.*]] = affine.apply {{.*}}d0 * 16{{.*}} (%[[K]])
// CHECK-NEXT: memref.prefetch %[[LINES]][%[[AT]]], read, locality<3>, data
// CHECK-NOT: memref.prefetch
func.func private @long_panel(%a: memref<18x1024xf32>, %w: memref<16x1024x16xf32>, %y: memref<18x256xf32>) {
  dlp.matmul ins(%a, %w : memref<18x1024xf32>, memref<16x1024x16xf32>) outs(%y : memref<18x256xf32>) {panel = 16}
  func.return
}
