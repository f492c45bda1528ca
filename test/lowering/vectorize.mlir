// RUN: dlp-opt -p 'vectorize{target=avx2}' --split-input-file %s | filecheck %s
// RUN: dlp-opt -p 'vectorize{target=ve}' --split-input-file %s | filecheck %s --check-prefix VE
// RUN: dlp-opt -p 'vectorize{target=scalar}' --split-input-file %s | filecheck %s --check-prefix SCALAR

// Accumulators are carried through the loop; every vector of weights is loaded once for all rows.
// CHECK-LABEL: func.func private @matmul
// CHECK: %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} = scf.for %k
// CHECK: memref.load %a
// CHECK-NEXT: %[[W0:.*]] = vector.load %w{{.*}} vector<8xf32>
// CHECK-NEXT: %[[A0:.*]] = vector.broadcast
// CHECK-NEXT: vector.fma %[[A0]], %[[W0]]
// CHECK-NEXT: %[[W1:.*]] = vector.load %w{{.*}} vector<8xf32>
// CHECK-NEXT: vector.fma %[[A0]], %[[W1]]
// CHECK: vector.fma %{{.*}}, %[[W0]]
// CHECK-NEXT: vector.fma %{{.*}}, %[[W1]]
// CHECK-NEXT: scf.yield
// CHECK: vector.store
func.func private @matmul(%a: memref<2x64xf32>, %w: memref<1x64x16xf32>, %y: memref<2x16xf32>) {
  dlp.matmul ins(%a, %w : memref<2x64xf32>, memref<1x64x16xf32>) outs(%y : memref<2x16xf32>) {panel = 16}
  func.return
}

// -----

// A tail uses narrower vectors: 8 + 2 + 1; the Vector Engine takes any length.
// CHECK-LABEL: func.func private @tail
// CHECK: vector.load {{.*}} vector<8xf32>
// CHECK: vector.load {{.*}} vector<2xf32>
// CHECK: memref.load
// VE-LABEL: func.func private @tail
// VE: vector.load {{.*}} vector<11xf32>
// VE-NEXT: arith.cmpf
// SCALAR-LABEL: func.func private @tail
// SCALAR-NOT: vector
func.func private @tail(%x: memref<11xf32>, %y: memref<11xf32>) {
  dlp.relu ins(%x : memref<11xf32>) outs(%y : memref<11xf32>)
  func.return
}

// -----

// A reduction along contiguous memory is a vector along the reduction; the lanes are combined once, behind the loop.
// CHECK-LABEL: func.func private @row_sum
// CHECK: scf.for
// CHECK: arith.addf {{.*}} : vector<8xf32>
// CHECK: vector.reduction <add>
func.func private @row_sum(%x: memref<1x256xf32>, %y: memref<1x1xf32>) {
  dlp.sum ins(%x : memref<1x256xf32>) outs(%y : memref<1x1xf32>) {dims = array<i64: 1>}
  func.return
}

// -----

// A local buffer between two ops of one tile becomes values.
// CHECK-LABEL: func.func private @carried
// CHECK-NOT: memref.alloca
// CHECK: %[[S:.*]] = arith.addf
// CHECK: arith.mulf %[[S]]
func.func private @carried(%x: memref<8xf32>, %y: memref<8xf32>) {
  %t = memref.alloca() : memref<8xf32>
  dlp.add ins(%x, %x : memref<8xf32>, memref<8xf32>) outs(%t : memref<8xf32>)
  dlp.mul ins(%t, %x : memref<8xf32>, memref<8xf32>) outs(%y : memref<8xf32>)
  func.return
}

// -----

// Bytes and 64-bit integers do not fill f32 vectors: element by element.
// CHECK-LABEL: func.func private @integers
// CHECK-NOT: vector
// CHECK: arith.addi %{{.*}} : i64
func.func private @integers(%x: memref<3xi64>, %y: memref<3xi64>) {
  dlp.add ins(%x, %x : memref<3xi64>, memref<3xi64>) outs(%y : memref<3xi64>)
  func.return
}

// -----

// A body that asks for its index is left to convert-dlp-to-loops, as is a tile of unknown size.
// CHECK-LABEL: func.func private @left_alone
// CHECK: dlp.iota
// CHECK: dlp.relu
func.func private @left_alone(%i: memref<8xi64>, %x: memref<?x8xf32>, %y: memref<?x8xf32>) {
  dlp.iota ins() outs(%i : memref<8xi64>) {dimension = 0}
  dlp.relu ins(%x : memref<?x8xf32>) outs(%y : memref<?x8xf32>)
  func.return
}

// -----

// Elements in reverse order are no vector of memory.
// CHECK-LABEL: func.func private @reversed
// CHECK-NOT: vector.load
// CHECK: memref.load
// CHECK: func.return
func.func private @reversed(%x: memref<8xf32>, %y: memref<8xf32>) {
  dlp.slice ins(%x : memref<8xf32>) outs(%y : memref<8xf32>) {offsets = array<i64: 7>, steps = array<i64: -1>}
  func.return
}

// -----

// A number that is made beside a tile is one for all lanes: what reads it are vectors.
// CHECK-LABEL: func.func private @scaled
// CHECK: vector.load
// CHECK: arith.mulf {{.*}} : vector<8xf32>
// CHECK: vector.store
// CHECK-NOT: memref.store
// CHECK: func.return
func.func private @scaled(%x: memref<2x8xf32>, %y: memref<2x8xf32>) {
  %c = memref.alloca() : memref<f32>
  dlp.constant ins() outs(%c : memref<f32>) {value = 1.25e-01 : f64}
  dlp.mul ins(%x, %c : memref<2x8xf32>, memref<f32>) outs(%y : memref<2x8xf32>)
  func.return
}

// -----

// A maximum that may pass NaN over is combined by comparisons, halves first; the one that keeps it by a reduction.
// CHECK-LABEL: func.func private @loose_maximum
// CHECK: %[[LOW:.*]] = vector.shuffle %[[V:.*]], %[[V]] [0, 1, 2, 3] : vector<8xf32>, vector<8xf32>
// CHECK-NEXT: %[[HIGH:.*]] = vector.shuffle %[[V]], %[[V]] [4, 5, 6, 7] : vector<8xf32>, vector<8xf32>
// CHECK-NEXT: %[[TEST:.*]] = arith.cmpf ogt, %[[HIGH]], %[[LOW]] : vector<4xf32>
// CHECK-NEXT: %[[W:.*]] = arith.select %[[TEST]], %[[HIGH]], %[[LOW]]
// CHECK-NEXT: vector.shuffle %[[W]], %[[W]] [2, 3, 0, 1]
// CHECK: vector.shuffle %{{.*}} [1, 2, 3, 0]
// CHECK: %[[ONE:.*]] = vector.extract %{{.*}}[0] : f32 from vector<4xf32>
// CHECK-NOT: vector.reduction
// VE-LABEL: func.func private @loose_maximum
// VE: vector.reduction <maximumf>
func.func private @loose_maximum(%x: memref<4x512xf32>, %y: memref<4x1xf32>) {
  dlp.max ins(%x : memref<4x512xf32>) outs(%y : memref<4x1xf32>) {dims = array<i64: 1>, loose}
  func.return
}

// -----

// CHECK-LABEL: func.func private @maximum
// CHECK-NOT: vector.shuffle
// CHECK: vector.reduction <maximumf>
func.func private @maximum(%x: memref<4x512xf32>, %y: memref<4x1xf32>) {
  dlp.max ins(%x : memref<4x512xf32>) outs(%y : memref<4x1xf32>) {dims = array<i64: 1>}
  func.return
}
