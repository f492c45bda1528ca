// RUN: dlp-opt %s -p 'tile-attention{target=avx2}' --split-input-file | filecheck %s

// Two blocks of queries a head, three of keys; the scores of six queries and one block of keys exist at a time.

// CHECK-LABEL: func.func private @blocks
// CHECK:         scf.parallel
// CHECK-NEXT:    ^bb0(%[[H:.*]]: index, %[[BLOCK:.*]]: index):
// CHECK:           memref.alloca() {{.*}} : memref<1x{{[0-9]+}}x64xf32>
// CHECK:           %keys = memref.alloca() {{.*}} : memref<1x1088x16xf32>
// CHECK:           %scores = memref.alloca() {{.*}} : memref<1x6x272xf32>
// CHECK:           scf.for %j
// CHECK:             dlp.transpose
// CHECK:             scf.for %g
// CHECK:               dlp.matmul ins({{.*}}) outs(%{{.*}} : memref<1x6x16xf32
// CHECK:               dlp.max
// CHECK:               dlp.exp
// CHECK:               dlp.sum
// CHECK:               dlp.matmul {{.*}} {accumulate}
// CHECK:           dlp.div
// CHECK-NOT:     dlp.attention
func.func private @blocks(%q: memref<4x192x64xf32>, %k: memref<4x800x64xf32>, %v: memref<4x800x64xf32>, %y: memref<4x192x64xf32>) {
  dlp.attention ins(%q, %k, %v : memref<4x192x64xf32>, memref<4x800x64xf32>, memref<4x800x64xf32>) outs(%y : memref<4x192x64xf32>) {scale = 0.125 : f64}
  func.return
}

// -----

// A single query reads the keys as they lie.

// CHECK-LABEL: func.func private @one_query
// CHECK:         scf.for %j
// CHECK-NOT:       dlp.transpose ins({{.*}}16x64
// CHECK:           dlp.mul
// CHECK:           dlp.sum
func.func private @one_query(%q: memref<4x1x64xf32>, %k: memref<4x384x64xf32>, %v: memref<4x384x64xf32>, %y: memref<4x1x64xf32>) {
  dlp.attention ins(%q, %k, %v : memref<4x1x64xf32>, memref<4x384x64xf32>, memref<4x384x64xf32>) outs(%y : memref<4x1x64xf32>) {scale = 0.125 : f64}
  func.return
}

// -----

// How many queries and keys there are, only a run knows: tiles have known sizes, and keys are counted.

// CHECK-LABEL: func.func private @open
// CHECK:         dlp.matmul ins({{.*}}) outs(%{{.*}} : memref<1x6x16xf32
// CHECK:         dlp.max ins(%{{.*}} : memref<1x6x?xf32
#s = #dlp.dims<[4 : i64, "s0", 64 : i64], [], {s0 = 128 : i64}>
func.func private @open(%q: memref<4x?x64xf32, #s>, %k: memref<4x?x64xf32, #s>, %v: memref<4x?x64xf32, #s>, %y: memref<4x?x64xf32, #s>, %s0: index) attributes {dlp.symbols = {s0 = 4 : i64}} {
  dlp.attention ins(%q, %k, %v : memref<4x?x64xf32, #s>, memref<4x?x64xf32, #s>, memref<4x?x64xf32, #s>) outs(%y : memref<4x?x64xf32, #s>) {scale = 0.125 : f64}
  func.return
}
