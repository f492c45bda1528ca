// RUN: dlp-opt %s | filecheck %s
// RUN: dlp-opt < %s | filecheck %s
// RUN: dlp-opt %s -o %t && dlp-opt %t | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | filecheck %s --check-prefix=GENERIC
// RUN: dlp-opt %s --mlir-print-debuginfo | filecheck %s --check-prefix=LOCATION

// CHECK:      builtin.module {
// CHECK-NEXT:   func.func @twice(%a: f32) -> f32 {
// CHECK-NEXT:     %sum = arith.addf %a, %a : f32
// CHECK-NEXT:     func.return %sum : f32

// GENERIC: "func.func"() <{{.*}}sym_name = "twice"
// GENERIC: "arith.addf"

// LOCATION: arith.addf %a, %a : f32 loc("model.py":12:3)

func.func @twice(%a: f32) -> f32 {
  %sum = arith.addf %a, %a : f32 loc("model.py":12:3)
  func.return %sum : f32
}
