// RUN: dlp-opt %s --split-input-file --verify-diagnostics

func.func @later(%a: f32) -> f32 {
  // expected-error @below {{'arith.addf': operand %late does not dominate this use}}
  %0 = arith.addf %late, %a : f32
  %late = arith.mulf %a, %a : f32
  func.return %0 : f32
}

// -----

func.func @one_path(%c: i1, %a: f32) -> f32 {
  "cf.cond_br"(%c)[^then, ^join] <{operandSegmentSizes = array<i32: 1, 0, 0>}> : (i1) -> ()
^then:
  %0 = arith.addf %a, %a : f32
  "cf.br"()[^join] : () -> ()
^join:
  func.return %0 : f32 // expected-error {{'func.return': operand number 0 does not dominate this use}}
}

// -----

func.func @out_of_region(%a: f32, %from: index, %to: index, %step: index) -> f32 {
  scf.for %i = %from to %to step %step {
    %inner = arith.addf %a, %a : f32
    scf.yield
  }
  func.return %inner : f32
  // expected-error @-1 {{values used but not defined: [%inner]}}
}

// -----

// Right: a value of the entry block in all others, a value around a region inside it, a loop over blocks, and
// functions in any order.

func.func @right(%c: i1, %a: f32, %m: memref<4xf32>, %i: index) {
  %0 = arith.addf %a, %a : f32
  "cf.br"()[^loop] : () -> ()
^loop:
  %1 = arith.mulf %0, %a : f32
  scf.if %c {
    memref.store %1, %m[%i] : memref<4xf32>
    scf.yield
  }
  func.call @below() : () -> ()
  "cf.cond_br"(%c)[^loop, ^exit] <{operandSegmentSizes = array<i32: 1, 0, 0>}> : (i1) -> ()
^exit:
  memref.store %1, %m[%i] : memref<4xf32>
  func.return
}

func.func private @below()
