// RUN: dlp-opt %s -p cse,dce --print-ir-before=dce -o %t 2>&1 | filecheck %s --check-prefix=BEFORE
// RUN: dlp-opt %s -p cse,dce --print-ir-after=cse -o %t 2>&1 | filecheck %s --check-prefix=AFTER
// RUN: dlp-opt %s -p cse,dce --print-ir-before-all --print-ir-after-all -o %t 2>&1 | filecheck %s --check-prefix=ALL
// RUN: dlp-opt -p cse,dce --print-ir-before --print-ir-after %s -o %t 2>&1 | filecheck %s --check-prefix=ALL
// RUN: dlp-opt %s -p cse,dce,dce --print-ir-after-change -o %t 2>&1 | filecheck %s --check-prefix=CHANGE
// RUN: dlp-opt %s -p cse,dce --print-ir-after-all 2> %t | filecheck %s --check-prefix=STDOUT

// BEFORE-NOT: cse
// BEFORE:     // -----// IR Dump Before dce //----- //
// BEFORE:     math.exp
// BEFORE-NOT: {{math.exp|IR Dump}}

// AFTER-NOT:  Before
// AFTER:      // -----// IR Dump After cse //----- //
// AFTER-NOT:  dce

// ALL:        IR Dump Before cse
// ALL:        IR Dump After cse
// ALL:        IR Dump Before dce
// ALL:        IR Dump After dce

// CHANGE:     IR Dump After cse
// CHANGE-NOT: IR Dump

// STDOUT-NOT: IR Dump
// STDOUT:     func.func @f
func.func @f(%a: f32) -> (f32, f32) {
  %0 = math.exp %a : f32
  %1 = math.exp %a : f32
  func.return %0, %1 : f32, f32
}
