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
