// RUN: dlp-opt %s -p cse --split-input-file | filecheck %s

// CHECK-LABEL: func.func @twice
// CHECK-SAME:    (%[[A:.*]]: f32, %[[B:.*]]: f32)
// CHECK-NEXT:    %[[PRODUCT:.*]] = arith.mulf %[[A]], %[[B]]
// CHECK-NEXT:    %[[SUM:.*]] = arith.addf %[[PRODUCT]], %[[PRODUCT]]
// CHECK-NEXT:    func.return %[[SUM]]
func.func @twice(%a: f32, %b: f32) -> f32 {
  %0 = arith.mulf %a, %b : f32
  %1 = arith.mulf %a, %b : f32
  %2 = arith.addf %0, %1 : f32
  func.return %2 : f32
}

// -----

// An equal operation outside a loop serves inside it.

// CHECK-LABEL: func.func @into_loop
// CHECK:         %[[OUTSIDE:.*]] = arith.mulf
// CHECK:         scf.for
// CHECK-NEXT:      memref.store %[[OUTSIDE]]
func.func @into_loop(%a: f32, %m: memref<8xf32>, %from: index, %to: index, %step: index) -> f32 {
  %0 = arith.mulf %a, %a : f32
  scf.for %i = %from to %to step %step {
    %1 = arith.mulf %a, %a : f32
    memref.store %1, %m[%i] : memref<8xf32>
    scf.yield
  }
  func.return %0 : f32
}

// -----

// Not merged: other operands, other attributes, loads with a store in between, siblings of which neither
// dominates the other.

// CHECK-LABEL: func.func @different
// CHECK-COUNT-2: arith.divf
// CHECK-COUNT-2: arith.constant
// CHECK-COUNT-2: memref.load
// CHECK-COUNT-2: math.exp
func.func @different(%a: f32, %b: f32, %c: i1, %m: memref<4xf32>, %i: index) -> (f32, f32, f32, f32, f32, f32, f32) {
  %0 = arith.divf %a, %b : f32
  %1 = arith.divf %b, %a : f32
  %2 = arith.constant 1.0 : f32
  %3 = arith.constant 2.0 : f32
  %4 = memref.load %m[%i] : memref<4xf32>
  memref.store %a, %m[%i] : memref<4xf32>
  %5 = memref.load %m[%i] : memref<4xf32>
  %6 = scf.if %c -> (f32) {
    %7 = math.exp %a : f32
    scf.yield %7 : f32
  } else {
    %8 = math.exp %a : f32
    %9 = arith.negf %8 : f32
    scf.yield %9 : f32
  }
  func.return %0, %1, %2, %3, %4, %5, %6 : f32, f32, f32, f32, f32, f32, f32
}
