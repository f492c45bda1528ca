// RUN: not dlp-opt %s --split-input-file 2>&1 | filecheck %s --strict-whitespace

// Every error has file, line and column, also in later parts of a file, and shows the line.

// CHECK:      parse-error.mlir:13:15: error: values used but not defined: [%b]
// CHECK-NEXT:  func.return %b : f32
// CHECK-NEXT:              ^^
// CHECK-NEXT:{{.*}}parse-error.mlir:19:28: error: type expected
// CHECK:      parse-error.mlir:27:3: error: {{.*}}string
// CHECK-NEXT:  %w = dlp.weight @weight : tensor<4xf32>

func.func @unknown_value(%a: f32) -> f32 {
  func.return %b : f32
}

// -----

func.func @unknown_type(%a: f32) -> f32 {
  %0 = arith.addf %a, %a : f3
  func.return %0 : f32
}

// -----

func.func @wrong_attribute() -> tensor<4xf32> {

  %w = dlp.weight @weight : tensor<4xf32>
  func.return %w : tensor<4xf32>
}

// -----

// What is right is still printed.

// CHECK: func.func @right
func.func @right() {
  func.return
}
