// RUN: dlp-opt %s -p decompose --split-input-file | filecheck %s
// RUN: dlp-opt %s -p 'decompose{attention=false}' --split-input-file | filecheck %s --check-prefix=WHOLE

// CHECK-LABEL: func.func @softmax
// CHECK-NEXT:    %[[M:.*]] = dlp.max ins(%[[X:.*]] : tensor<4x8xf32>) -> tensor<4x1xf32> {dlp.source = "net.py:7", dims = array<i64: 1>, loose}
// CHECK-NEXT:    %[[S:.*]] = dlp.sub ins(%[[X]], %[[M]]
// CHECK-SAME:      dlp.source = "net.py:7"
// CHECK-NEXT:    %[[E:.*]] = dlp.exp ins(%[[S]]
// CHECK-NEXT:    %[[T:.*]] = dlp.sum ins(%[[E]]
// CHECK-NEXT:    %[[Y:.*]] = dlp.div ins(%[[E]], %[[T]]
// CHECK-NEXT:    func.return %[[Y]]
func.func @softmax(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = dlp.softmax ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32> {dimension = 1 : i64, dlp.source = "net.py:7"}
  func.return %0 : tensor<4x8xf32>
}

// -----

// Attention is defined by a softmax, which is decomposed in turn.

// WHOLE-LABEL: func.func @attention
// WHOLE:         dlp.attention
// CHECK-LABEL: func.func @attention
// CHECK-NOT:     dlp.attention
// CHECK:         dlp.matmul
// CHECK-NOT:     dlp.softmax
// CHECK:         dlp.exp
// CHECK:         %[[Y:.*]] = dlp.matmul
// CHECK-NEXT:    func.return %[[Y]]
func.func @attention(%q: tensor<2x5x4xf32>, %k: tensor<2x6x4xf32>, %v: tensor<2x6x3xf32>) -> tensor<2x5x3xf32> {
  %0 = dlp.attention ins(%q, %k, %v : tensor<2x5x4xf32>, tensor<2x6x4xf32>, tensor<2x6x3xf32>) -> tensor<2x5x3xf32> {scale = 0.5 : f64}
  func.return %0 : tensor<2x5x3xf32>
}

// -----

// Ops that are defined by nothing else stay.

// CHECK-LABEL: func.func @structured
// CHECK-NEXT:    dlp.gelu
// CHECK-NEXT:    dlp.sum
// CHECK-NEXT:    func.return
func.func @structured(%x: tensor<4x8xf32>) -> tensor<4x1xf32> {
  %0 = dlp.gelu ins(%x : tensor<4x8xf32>) -> tensor<4x8xf32> {approximate = "none"}
  %1 = dlp.sum ins(%0 : tensor<4x8xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>}
  func.return %1 : tensor<4x1xf32>
}

// -----

// In blocks only where the sizes of a head are known, and on f32.

// WHOLE-LABEL: func.func @double_precision
// WHOLE-NOT:     dlp.attention
func.func @double_precision(%q: tensor<5x4xf64>, %k: tensor<6x4xf64>, %v: tensor<6x3xf64>) -> tensor<5x3xf64> {
  %0 = dlp.attention ins(%q, %k, %v : tensor<5x4xf64>, tensor<6x4xf64>, tensor<6x3xf64>) -> tensor<5x3xf64> {scale = 0.5 : f64}
  func.return %0 : tensor<5x3xf64>
}
