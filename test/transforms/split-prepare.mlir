// RUN: dlp-opt %s -p split-prepare --split-input-file | filecheck %s

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[E:.*]]: tensor<4xf32>, %[[W:.*]]: tensor<4xf32>) -> tensor<2x4xf32> attributes {dlp.num_inputs = 1 : i64}
// CHECK-NEXT:    %[[A:.*]] = dlp.add ins(%[[X]], %[[E]]
// CHECK-NEXT:    %[[M:.*]] = dlp.mul ins(%[[A]], %[[W]]
// CHECK-NEXT:    %[[S:.*]] = dlp.sub ins(%[[M]], %[[E]]
// CHECK-NEXT:    func.return %[[S]]
// CHECK-LABEL: func.func @prepare
// CHECK-SAME:    () -> (tensor<4xf32>, tensor<4xf32>)
// CHECK-NEXT:    %[[V:.*]] = dlp.weight "w"
// CHECK-NEXT:    %[[F:.*]] = dlp.exp ins(%[[V]]
// CHECK-NEXT:    func.return %[[F]], %[[V]]
func.func @forward(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w = dlp.weight "w" : tensor<4xf32>
  %0 = dlp.exp ins(%w : tensor<4xf32>) -> tensor<4xf32>
  %1 = dlp.add ins(%x, %0 : tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %2 = dlp.mul ins(%1, %w : tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %3 = dlp.sub ins(%2, %0 : tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  func.return %3 : tensor<2x4xf32>
}

// -----

// What costs nothing is made again: constants, indices; of a broadcast the operand goes over.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: tensor<8x4xf32>, %[[W:.*]]: tensor<4xf32>)
// CHECK-NEXT:    dlp.constant
// CHECK-NEXT:    dlp.iota
// CHECK-NEXT:    dlp.broadcast ins(%[[W]]
// CHECK-LABEL: func.func @prepare
// CHECK-NEXT:    %[[V:.*]] = dlp.weight "w"
// CHECK-NEXT:    func.return %[[V]]
func.func @forward(%x: tensor<8x4xf32>) -> (tensor<8x4xf32>, tensor<8x4xi64>, tensor<8x4xf32>) {
  %w = dlp.weight "w" : tensor<4xf32>
  %c = dlp.constant ins() -> tensor<f32> {value = 2.0 : f64}
  %i = dlp.iota ins() -> tensor<8x4xi64> {dimension = 0 : i64}
  %b = dlp.broadcast ins(%w : tensor<4xf32>) -> tensor<8x4xf32>
  %0 = dlp.mul ins(%x, %c : tensor<8x4xf32>, tensor<f32>) -> tensor<8x4xf32>
  func.return %0, %i, %b : tensor<8x4xf32>, tensor<8x4xi64>, tensor<8x4xf32>
}

// -----

// A table computed from constants alone is computed once; both functions have the constant that both need.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: tensor<8xi64>, %[[T:.*]]: tensor<8xi64>)
// CHECK:         dlp.constant
// CHECK:         dlp.add ins(%{{.*}}, %[[T]]
// CHECK-LABEL: func.func @prepare
// CHECK-DAG:     dlp.iota
// CHECK-DAG:     dlp.constant
// CHECK:         %[[P:.*]] = dlp.mul
// CHECK-NEXT:    func.return %[[P]]
func.func @forward(%x: tensor<8xi64>) -> tensor<8xi64> {
  %i = dlp.iota ins() -> tensor<8xi64> {dimension = 0 : i64}
  %c = dlp.constant ins() -> tensor<i64> {value = 3 : i64}
  %t = dlp.mul ins(%i, %c : tensor<8xi64>, tensor<i64>) -> tensor<8xi64>
  %0 = dlp.mul ins(%x, %c : tensor<8xi64>, tensor<i64>) -> tensor<8xi64>
  %1 = dlp.add ins(%0, %t : tensor<8xi64>, tensor<8xi64>) -> tensor<8xi64>
  func.return %1 : tensor<8xi64>
}

// -----

// Nothing follows from weights alone here.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>) -> tensor<4xf32> attributes {dlp.num_inputs = 1 : i64}
// CHECK-NEXT:    dlp.exp ins(%[[X]]
// CHECK-LABEL: func.func @prepare
// CHECK-SAME:    () {
// CHECK-NEXT:    func.return
func.func @forward(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = dlp.exp ins(%x : tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// -----

// A table that says the size of an input is no weight, although its own size is known.

// CHECK-LABEL: func.func @forward
// CHECK:         dlp.size
// CHECK:         dlp.mul
// CHECK-LABEL: func.func @prepare
// CHECK-SAME:    () {
// CHECK-NEXT:    func.return
func.func @forward(%x: tensor<?x8xi64, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>)
    -> tensor<?x8xi64, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>> {
  %i = dlp.iota ins() -> tensor<8xi64> {dimension = 0 : i64}
  %n = dlp.size ins() -> tensor<i64> {size = #dlp.dims<["s0"], [], {s0 = 64 : i64}>}
  %t = dlp.mul ins(%i, %n : tensor<8xi64>, tensor<i64>) -> tensor<8xi64>
  %0 = dlp.add ins(%x, %t : tensor<?x8xi64, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>, tensor<8xi64>)
      -> tensor<?x8xi64, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>
  func.return %0 : tensor<?x8xi64, #dlp.dims<["s0", 8], [], {s0 = 64 : i64}>>
}
