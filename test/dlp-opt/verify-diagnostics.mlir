// RUN: not dlp-opt %s --split-input-file --verify-diagnostics 2>&1 | filecheck %s

// What --verify-diagnostics must complain about; dominance.mlir has what it must accept.

// CHECK:      verify-diagnostics.mlir:12: error: expected error was not produced: no such thing
// CHECK-NEXT: unexpected error: {{.*}}verify-diagnostics.mlir:12:{{[0-9]+}}: error: type expected
// CHECK:      verify-diagnostics.mlir:19: error: expected error was not produced: anything
// CHECK:      verify-diagnostics.mlir:26: error: expected error was not produced: type expected
// CHECK-NEXT: unexpected error: {{.*}}verify-diagnostics.mlir:27:{{[0-9]+}}: error: type expected

func.func @other_text(%a: f32) {
  %0 = arith.addf %a, %a : f3 // expected-error {{no such thing}}
  func.return
}

// -----

// expected-error @below {{anything}}
func.func @no_error() {
  func.return
}

// -----

func.func @other_line(%a: f32) {
  // expected-error @+0 {{type expected}}
  %0 = arith.addf %a, %a : f3
  func.return
}
