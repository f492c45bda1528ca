// RUN: dlp-opt %s -p order-calls | filecheck %s

// One weight after the other: one intermediate lives at a time.

// CHECK-LABEL: func.func @prepare
// CHECK:         %[[W0:.*]] = dlp.weight "w0"
// CHECK-NEXT:    %[[A:.*]] = func.call @scale(%[[W0]])
// CHECK-NEXT:    %[[V:.*]] = dlp.reshape ins(%[[A]]
// CHECK-NEXT:    %[[P:.*]] = func.call @pack(%[[V]])
// CHECK-NEXT:    %[[W1:.*]] = dlp.weight "w1"
// CHECK-NEXT:    %[[B:.*]] = func.call @scale(%[[W1]])
// CHECK-NEXT:    %[[U:.*]] = dlp.reshape ins(%[[B]]
// CHECK-NEXT:    %[[Q:.*]] = func.call @pack(%[[U]])
// CHECK-NEXT:    func.return %[[P]], %[[Q]]
func.func @prepare() -> (tensor<8xf32>, tensor<8xf32>) {
  %w0 = dlp.weight "w0" : tensor<4x2xf32>
  %w1 = dlp.weight "w1" : tensor<4x2xf32>
  %a = func.call @scale(%w0) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %b = func.call @scale(%w1) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %v = dlp.reshape ins(%a : tensor<4x2xf32>) -> tensor<8xf32>
  %u = dlp.reshape ins(%b : tensor<4x2xf32>) -> tensor<8xf32>
  %p = func.call @pack(%v) : (tensor<8xf32>) -> tensor<8xf32>
  %q = func.call @pack(%u) : (tensor<8xf32>) -> tensor<8xf32>
  func.return %p, %q : tensor<8xf32>, tensor<8xf32>
}

// The largest set stays what it is, but the first value is made only when it is needed.

// CHECK-LABEL: func.func @late
// CHECK-SAME:    (%[[X:.*]]: tensor<8xf32>)
// CHECK-NEXT:    %[[B:.*]] = func.call @pack(%[[X]])
// CHECK-NEXT:    %[[C:.*]] = func.call @pack(%[[B]])
// CHECK-NEXT:    %[[A:.*]] = func.call @pack(%[[X]])
// CHECK-NEXT:    %[[D:.*]] = func.call @join(%[[C]], %[[A]])
// CHECK-NEXT:    %[[E:.*]] = func.call @grow(%[[D]])
// CHECK-NEXT:    %[[F:.*]] = func.call @shrink(%[[E]])
// CHECK-NEXT:    func.return %[[F]]
func.func @late(%x: tensor<8xf32>) -> tensor<8xf32> {
  %a = func.call @pack(%x) : (tensor<8xf32>) -> tensor<8xf32>
  %b = func.call @pack(%x) : (tensor<8xf32>) -> tensor<8xf32>
  %c = func.call @pack(%b) : (tensor<8xf32>) -> tensor<8xf32>
  %d = func.call @join(%c, %a) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e = func.call @grow(%d) : (tensor<8xf32>) -> tensor<9x8xf32>
  %f = func.call @shrink(%e) : (tensor<9x8xf32>) -> tensor<8xf32>
  func.return %f : tensor<8xf32>
}
func.func private @join(%a: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<8xf32> {
  %0 = dlp.add ins(%a, %b : tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  func.return %0 : tensor<8xf32>
}
func.func private @grow(%a: tensor<8xf32>) -> tensor<9x8xf32> {
  %0 = dlp.broadcast ins(%a : tensor<8xf32>) -> tensor<9x8xf32>
  func.return %0 : tensor<9x8xf32>
}
func.func private @shrink(%a: tensor<9x8xf32>) -> tensor<8xf32> {
  %0 = dlp.sum ins(%a : tensor<9x8xf32>) -> tensor<1x8xf32> {dims = array<i64: 0>}
  %1 = dlp.reshape ins(%0 : tensor<1x8xf32>) -> tensor<8xf32>
  func.return %1 : tensor<8xf32>
}

// Nothing is won here, and nothing is moved.

// CHECK-LABEL: func.func @forward
// CHECK-SAME:    (%[[X:.*]]: tensor<4x2xf32>, %[[Y:.*]]: tensor<8xf32>)
// CHECK-NEXT:    func.call @scale(%[[X]])
// CHECK-NEXT:    func.call @pack(%[[Y]])
// CHECK-NEXT:    func.return
func.func @forward(%x: tensor<4x2xf32>, %y: tensor<8xf32>) -> (tensor<8xf32>, tensor<4x2xf32>) {
  %a = func.call @scale(%x) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %p = func.call @pack(%y) : (tensor<8xf32>) -> tensor<8xf32>
  func.return %p, %a : tensor<8xf32>, tensor<4x2xf32>
}
func.func private @scale(%a: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %0 = dlp.exp ins(%a : tensor<4x2xf32>) -> tensor<4x2xf32>
  func.return %0 : tensor<4x2xf32>
}
func.func private @pack(%a: tensor<8xf32>) -> tensor<8xf32> {
  %0 = dlp.neg ins(%a : tensor<8xf32>) -> tensor<8xf32>
  func.return %0 : tensor<8xf32>
}
