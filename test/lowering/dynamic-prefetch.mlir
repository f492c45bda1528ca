// RUN: dlp-opt %s --target=avx2 -p 'tile-tasks,tile-registers,vectorize,prefetch-weights' --split-input-file | filecheck %s

// How many tiles of rows share a panel is known in a run only: each asks for as much of the next one as if there were 66
// rows, which is 11 tiles of 6; nobody asks for what is behind the last part, or the last panel.

// CHECK-LABEL: func.func private @open_rows
// CHECK:         scf.for %[[M:.*]] = %{{.*}} to %{{.*}} step
// CHECK:           %[[START:.*]] = affine.min affine_map<(d0, d1) -> ((((d0 * 8192) + 8192) + (d1 * 1024)), 261120, ((d0 * 8192) + 15360))> (%{{.*}}, %[[M]])
// CHECK:           memref.subview %{{.*}}[%[[START]]] [1024] [1]
// CHECK:           memref.prefetch
func.func private @open_rows(%a: memref<?x512xf32, #dlp.dims<["s0", 512], [], {s0 = 66 : i64}>>, %w: memref<32x512x16xf32>, %y: memref<?x512xf32, #dlp.dims<["s0", 512], [], {s0 = 66 : i64}>>, %s0: index) attributes {dlp.symbols = {s0 = 3 : i64}} {
  dlp.matmul ins(%a, %w : memref<?x512xf32, #dlp.dims<["s0", 512], [], {s0 = 66 : i64}>>, memref<32x512x16xf32>) outs(%y : memref<?x512xf32, #dlp.dims<["s0", 512], [], {s0 = 66 : i64}>>) {panel = 16}
  func.return
}

// -----

// A panel whose rows are a size that only a run knows.

// CHECK-LABEL: func.func private @open_panel
// CHECK-NOT:     memref.prefetch
func.func private @open_panel(%a: memref<48x?xf32, #dlp.dims<[48, "s0"], [], {s0 = 512 : i64}>>, %w: memref<?x512xf32, #dlp.dims<["s0", 512], [], {s0 = 512 : i64}>>, %y: memref<48x512xf32>, %s0: index) attributes {dlp.symbols = {s0 = 3 : i64}} {
  dlp.matmul ins(%a, %w : memref<48x?xf32, #dlp.dims<[48, "s0"], [], {s0 = 512 : i64}>>, memref<?x512xf32, #dlp.dims<["s0", 512], [], {s0 = 512 : i64}>>) outs(%y : memref<48x512xf32>)
  func.return
}
