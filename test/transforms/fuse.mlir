// RUN: dlp-opt %s -p 'fuse{target=avx2}' --split-input-file | filecheck %s
// RUN: dlp-opt %s -p 'fuse{target=avx2 without=chain}' --split-input-file | filecheck %s --check-prefix=NO-CHAIN
// RUN: dlp-opt %s -p 'fuse{target=avx2 without=elementwise,trailing}' --split-input-file | filecheck %s --check-prefix=NO-OTHERS

// Element-wise ops join the contraction that they follow, and the pad behind them ends the group; the value inside the
// pad is a result too, as the network returns it. Constants are made inside.

// CHECK-LABEL: func.func @chain
// CHECK-SAME:      (%[[X:.*]]: tensor<8x4xf32>, %[[W:.*]]: tensor<4x6xf32>, %[[B:.*]]: tensor<6xf32>, %[[R:.*]]: tensor<8x6xf32>)
// CHECK-NEXT:    %[[OUT:.*]], %[[PADDED:.*]] = dlp.fused "matmul" ins(%[[X]], %[[W]], %[[B]], %[[R]] :
// CHECK-NEXT:    ^bb0(%[[A:.*]]: tensor<8x4xf32>, %[[V:.*]]: tensor<4x6xf32>, %[[C:.*]]: tensor<6xf32>, %[[S:.*]]: tensor<8x6xf32>):
// CHECK-NEXT:      %[[P:.*]] = dlp.matmul ins(%[[A]], %[[V]] :
// CHECK-SAME:        dlp.source = "net.py:3"
// CHECK-NEXT:      %[[Q:.*]] = dlp.add ins(%[[P]], %[[C]] :
// CHECK-NEXT:      %[[TWO:.*]] = dlp.constant
// CHECK-NEXT:      %[[T:.*]] = dlp.mul ins(%[[S]], %[[TWO]] :
// CHECK-NEXT:      %[[U:.*]] = dlp.add ins(%[[Q]], %[[T]] :
// CHECK-NEXT:      %[[Z:.*]] = dlp.relu ins(%[[U]] :
// CHECK-NEXT:      %[[F:.*]] = dlp.pad ins(%[[Z]] :
// CHECK-NEXT:      dlp.yield %[[Z]], %[[F]]
// CHECK:         func.return %[[OUT]], %[[PADDED]]

// NO-CHAIN-LABEL: func.func @chain
// NO-CHAIN:         dlp.fused "matmul"
// NO-CHAIN-NEXT:    ^bb0
// NO-CHAIN-NEXT:      dlp.matmul
// NO-CHAIN-NEXT:      dlp.yield
// NO-CHAIN:         dlp.fused "elementwise"

// NO-OTHERS-LABEL: func.func @chain
// NO-OTHERS:         dlp.fused "elementwise"
// NO-OTHERS:         dlp.fused "matmul"
// NO-OTHERS:         dlp.fused "pad"
func.func @chain(%x: tensor<8x4xf32>, %w: tensor<4x6xf32>, %b: tensor<6xf32>, %r: tensor<8x6xf32>) -> (tensor<8x6xf32>, tensor<10x6xf32>) {
  %two = dlp.constant ins() -> tensor<f32> {value = 2.0 : f64}
  %0 = dlp.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x6xf32>) -> tensor<8x6xf32> {dlp.source = "net.py:3"}
  %1 = dlp.add ins(%0, %b : tensor<8x6xf32>, tensor<6xf32>) -> tensor<8x6xf32>
  %2 = dlp.mul ins(%r, %two : tensor<8x6xf32>, tensor<f32>) -> tensor<8x6xf32>
  %3 = dlp.add ins(%1, %2 : tensor<8x6xf32>, tensor<8x6xf32>) -> tensor<8x6xf32>
  %4 = dlp.relu ins(%3 : tensor<8x6xf32>) -> tensor<8x6xf32>
  %5 = dlp.pad ins(%4 : tensor<8x6xf32>) -> tensor<10x6xf32> {low = array<i64: 1, 0>, high = array<i64: 1, 0>, value = 0.0 : f32}
  func.return %4, %5 : tensor<8x6xf32>, tensor<10x6xf32>
}

// -----

// Two contractions never share a kernel: the second would need the first one's rows again for each of its columns.

// CHECK-LABEL: func.func @two_products
// CHECK:         dlp.fused "matmul"
// CHECK:           dlp.matmul
// CHECK-NEXT:      dlp.relu
// CHECK-NEXT:      dlp.yield
// CHECK:         dlp.fused "matmul"
// CHECK:           dlp.matmul
// CHECK-NEXT:      dlp.yield
func.func @two_products(%x: tensor<8x4xf32>, %w: tensor<4x6xf32>, %v: tensor<6x8xf32>) -> tensor<8x8xf32> {
  %0 = dlp.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
  %1 = dlp.relu ins(%0 : tensor<8x6xf32>) -> tensor<8x6xf32>
  %2 = dlp.matmul ins(%1, %v : tensor<8x6xf32>, tensor<6x8xf32>) -> tensor<8x8xf32>
  func.return %2 : tensor<8x8xf32>
}

// -----

// The sum of two contractions is computed behind the later one.

// CHECK-LABEL: func.func @later
// CHECK:         %[[FIRST:.*]] = dlp.fused "matmul" ins(%{{.*}}, %{{.*}} :
// CHECK:         dlp.fused "matmul" ins(%{{.*}}, %{{.*}}, %[[FIRST]] :
// CHECK:           dlp.matmul
// CHECK-NEXT:      dlp.add
// CHECK-NEXT:      dlp.yield
func.func @later(%x: tensor<8x4xf32>, %w: tensor<4x6xf32>, %v: tensor<4x6xf32>) -> tensor<8x6xf32> {
  %0 = dlp.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
  %1 = dlp.matmul ins(%x, %v : tensor<8x4xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
  %2 = dlp.add ins(%0, %1 : tensor<8x6xf32>, tensor<8x6xf32>) -> tensor<8x6xf32>
  func.return %2 : tensor<8x6xf32>
}

// -----

// A group does not grow past its readers: %3 needs %2, which needs %0, so %0 and %3 cannot be one kernel without %2.

// CHECK-LABEL: func.func @convex
// CHECK:         %[[A:.*]] = dlp.fused "elementwise"
// CHECK:           dlp.exp
// CHECK-NEXT:      dlp.yield
// CHECK:         %[[P:.*]] = dlp.fused "matmul" ins(%[[A]],
// CHECK:           dlp.matmul
// CHECK-NEXT:      dlp.add
// CHECK-NEXT:      dlp.yield
func.func @convex(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = dlp.exp ins(%x : tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = dlp.matmul ins(%0, %x : tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  %3 = dlp.add ins(%0, %2 : tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  func.return %3 : tensor<8x8xf32>
}

// -----

// The gates of an LSTM read parts of one product: the parts are views and stay outside, the gates are one kernel with
// the new cell and the new state as results.

// CHECK-LABEL: func.func @gates
// CHECK-SAME:      (%[[G:.*]]: tensor<2x12xf32>, %[[C:.*]]: tensor<2x4xf32>)
// CHECK-NEXT:    %[[I:.*]] = dlp.slice ins(%[[G]] :
// CHECK-NEXT:    %[[F:.*]] = dlp.slice ins(%[[G]] :
// CHECK-NEXT:    %[[O:.*]] = dlp.slice ins(%[[G]] :
// CHECK-NEXT:    %[[CELL:.*]], %[[STATE:.*]] = dlp.fused "elementwise" ins(%[[I]], %[[F]], %[[O]], %[[C]] :
// CHECK-COUNT-3:   dlp.sigmoid
// CHECK:           dlp.mul
// CHECK-NEXT:      %[[D:.*]] = dlp.add
// CHECK-NEXT:      dlp.tanh
// CHECK-NEXT:      %[[H:.*]] = dlp.mul
// CHECK-NEXT:      dlp.yield %[[D]], %[[H]]
// CHECK:         func.return %[[CELL]], %[[STATE]]
func.func @gates(%g: tensor<2x12xf32>, %c: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %i = dlp.slice ins(%g : tensor<2x12xf32>) -> tensor<2x4xf32> {offsets = array<i64: 0, 0>, steps = array<i64: 1, 1>}
  %f = dlp.slice ins(%g : tensor<2x12xf32>) -> tensor<2x4xf32> {offsets = array<i64: 0, 4>, steps = array<i64: 1, 1>}
  %o = dlp.slice ins(%g : tensor<2x12xf32>) -> tensor<2x4xf32> {offsets = array<i64: 0, 8>, steps = array<i64: 1, 1>}
  %0 = dlp.sigmoid ins(%i : tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = dlp.sigmoid ins(%f : tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = dlp.sigmoid ins(%o : tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = dlp.mul ins(%1, %c : tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %4 = dlp.add ins(%3, %0 : tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %5 = dlp.tanh ins(%4 : tensor<2x4xf32>) -> tensor<2x4xf32>
  %6 = dlp.mul ins(%2, %5 : tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  func.return %4, %6 : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// A view moves behind the group that it looks at when that has grown past it.

// CHECK-LABEL: func.func @late_view
// CHECK-NEXT:    %[[P:.*]], %[[R:.*]] = dlp.fused "matmul"
// CHECK:         %[[V:.*]] = dlp.reshape ins(%[[P]] : tensor<8x6xf32>) -> tensor<48xf32>
// CHECK-NEXT:    func.return %[[V]], %[[R]]
func.func @late_view(%x: tensor<8x4xf32>, %w: tensor<4x6xf32>) -> (tensor<48xf32>, tensor<8x6xf32>) {
  %0 = dlp.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
  %1 = dlp.reshape ins(%0 : tensor<8x6xf32>) -> tensor<48xf32>
  %2 = dlp.relu ins(%0 : tensor<8x6xf32>) -> tensor<8x6xf32>
  func.return %1, %2 : tensor<48xf32>, tensor<8x6xf32>
}

// -----

// What reads a group through a view cannot be in it, be it as close as it may.

// CHECK-LABEL: func.func @through_view
// CHECK:         %[[P:.*]] = dlp.fused "matmul"
// CHECK:           dlp.matmul
// CHECK-NEXT:      dlp.yield
// CHECK:         %[[T:.*]] = dlp.transpose ins(%[[P]] :
// CHECK-NEXT:    dlp.fused "elementwise" ins(%[[P]], %[[T]] :
func.func @through_view(%x: tensor<8x4xf32>, %w: tensor<4x8xf32>) -> tensor<8x8xf32> {
  %0 = dlp.matmul ins(%x, %w : tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  %1 = dlp.transpose ins(%0 : tensor<8x8xf32>) -> tensor<8x8xf32> {permutation = array<i64: 1, 0>}
  %2 = dlp.add ins(%0, %1 : tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  func.return %2 : tensor<8x8xf32>
}

// -----

// The reshape of a transposed tensor moves elements: a copy in the operand's shape, then a reshape that is a view.

// CHECK-LABEL: func.func @heads
// CHECK-SAME:      (%[[X:.*]]: tensor<4x8x2xf32>)
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[X]] :
// CHECK-NEXT:    %[[C:.*]] = dlp.fused "copy" ins(%[[T]] : tensor<8x4x2xf32>)
// CHECK:           dlp.copy
// CHECK:         %[[R:.*]] = dlp.reshape ins(%[[C]] : tensor<8x4x2xf32>) -> tensor<8x8xf32>
// CHECK-NEXT:    func.return %[[R]]
func.func @heads(%x: tensor<4x8x2xf32>) -> tensor<8x8xf32> {
  %0 = dlp.transpose ins(%x : tensor<4x8x2xf32>) -> tensor<8x4x2xf32> {permutation = array<i64: 1, 0, 2>}
  %1 = dlp.reshape ins(%0 : tensor<8x4x2xf32>) -> tensor<8x8xf32>
  func.return %1 : tensor<8x8xf32>
}

// -----

// A product whose heads are put side by side writes them there: the transpose is part of the kernel. Not where the
// innermost dimension, that of vectors, would be torn apart.

// CHECK-LABEL: func.func @side_by_side
// CHECK:         %[[Y:.*]] = dlp.fused "matmul"
// CHECK:           dlp.matmul
// CHECK-NEXT:      dlp.transpose
// CHECK-NEXT:      dlp.yield
// CHECK:         dlp.reshape ins(%[[Y]] : tensor<8x4x6xf32>) -> tensor<8x24xf32>
// CHECK:         dlp.fused "matmul"
// CHECK:           dlp.matmul
// CHECK-NEXT:      dlp.yield
// CHECK:         dlp.transpose
// CHECK-NEXT:    dlp.fused "copy"
func.func @side_by_side(%x: tensor<4x8x2xf32>, %w: tensor<2x6xf32>) -> (tensor<8x24xf32>, tensor<24x8xf32>) {
  %0 = dlp.matmul ins(%x, %w : tensor<4x8x2xf32>, tensor<2x6xf32>) -> tensor<4x8x6xf32>
  %1 = dlp.transpose ins(%0 : tensor<4x8x6xf32>) -> tensor<8x4x6xf32> {permutation = array<i64: 1, 0, 2>}
  %2 = dlp.reshape ins(%1 : tensor<8x4x6xf32>) -> tensor<8x24xf32>
  %3 = dlp.matmul ins(%x, %w : tensor<4x8x2xf32>, tensor<2x6xf32>) -> tensor<4x8x6xf32>
  %4 = dlp.transpose ins(%3 : tensor<4x8x6xf32>) -> tensor<4x6x8xf32> {permutation = array<i64: 0, 2, 1>}
  %5 = dlp.reshape ins(%4 : tensor<4x6x8xf32>) -> tensor<24x8xf32>
  func.return %2, %5 : tensor<8x24xf32>, tensor<24x8xf32>
}

// -----

// Alone: indices; a pad and a concatenation of what nobody computes here; a constant that is returned, also where
// others use it.

// CHECK-LABEL: func.func @alone
// CHECK:         dlp.fused "constant"
// CHECK:         dlp.fused "iota"
// CHECK:           dlp.iota
// CHECK-NEXT:      dlp.yield
// CHECK:         dlp.fused "elementwise"
// CHECK:           dlp.constant
// CHECK-NEXT:      dlp.add
// CHECK:         %[[PAD:.*]] = dlp.fused "pad"
// CHECK:         dlp.fused "elementwise" ins(%[[PAD]] :
// CHECK:         dlp.fused "concat"
func.func @alone(%x: tensor<4xf32>) -> (tensor<4xi64>, tensor<4xi64>, tensor<6xf32>, tensor<8xf32>) {
  %c = dlp.constant ins() -> tensor<4xi64> {value = 1 : i64}
  %i = dlp.iota ins() -> tensor<4xi64> {dimension = 0 : i64}
  %0 = dlp.add ins(%i, %c : tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  %1 = dlp.pad ins(%x : tensor<4xf32>) -> tensor<6xf32> {low = array<i64: 1>, high = array<i64: 1>, value = 0.0 : f32}
  %2 = dlp.exp ins(%1 : tensor<6xf32>) -> tensor<6xf32>
  %3 = dlp.concat ins(%x, %x : tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32> {dimension = 0 : i64}
  func.return %c, %0, %2, %3 : tensor<4xi64>, tensor<4xi64>, tensor<6xf32>, tensor<8xf32>
}

// -----

// An embedding begins a group, and element-wise ops follow it; as a reader of computed indices it is no part of theirs.

// CHECK-LABEL: func.func @embedding
// CHECK:         dlp.fused "elementwise"
// CHECK:           dlp.add
// CHECK-NEXT:      dlp.yield
// CHECK:         dlp.fused "elementwise"
// CHECK:           dlp.gather
// CHECK-NEXT:      dlp.relu
// CHECK-NEXT:      dlp.yield
func.func @embedding(%t: tensor<9xf32>, %i: tensor<4xi64>) -> tensor<4xf32> {
  %0 = dlp.add ins(%i, %i : tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  %1 = dlp.gather ins(%t, %0 : tensor<9xf32>, tensor<4xi64>) -> tensor<4xf32> {dimension = 0 : i64}
  %2 = dlp.relu ins(%1 : tensor<4xf32>) -> tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// -----

// Weights and views of them stay outside; private functions are kernels already.

// CHECK-LABEL: func.func @prepare
// CHECK-NEXT:    %[[W:.*]] = dlp.weight "w"
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[W]] :
// CHECK-NEXT:    func.return %[[T]]
// CHECK:       func.func private @kernel
// CHECK-NEXT:    dlp.exp
func.func @prepare() -> tensor<4x2xf32> {
  %w = dlp.weight "w" : tensor<2x4xf32>
  %0 = dlp.transpose ins(%w : tensor<2x4xf32>) -> tensor<4x2xf32> {permutation = array<i64: 1, 0>}
  func.return %0 : tensor<4x2xf32>
}
func.func private @kernel(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dlp.exp ins(%x : tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
