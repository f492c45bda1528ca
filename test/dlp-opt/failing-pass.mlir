// RUN: rm -rf %t && mkdir %t
// RUN: not env PYTHONPATH=%S/Inputs/plugin dlp-opt %s -p use-too-early --reproducer-dir=%t 2>&1 | filecheck %s --check-prefix=EARLY
// RUN: not env PYTHONPATH=%S/Inputs/plugin dlp-opt %s -p break-types --reproducer-dir=%t 2>&1 | filecheck %s --check-prefix=TYPES
// RUN: not env PYTHONPATH=%S/Inputs/plugin dlp-opt %s -p swap-for-ever --reproducer-dir=%t 2>&1 | filecheck %s --check-prefix=CIRCLE
// RUN: not env PYTHONPATH=%S/Inputs/plugin dlp-opt %s -p cse,crash,dce --reproducer-dir=%t 2>&1 | filecheck %s --check-prefix=CRASH

// A pass that leaves a use before its definition behind is found by the check after it.

// EARLY:      failing-pass.mlir: error: pass 'use-too-early' failed: 'arith.addf': operand %product does not dominate
// EARLY-NEXT:     1 | builtin.module {
// EARLY-NEXT:     2 |   func.func @f(%a: f32) -> f32 {
// EARLY-NEXT: >   3 |     %sum = arith.addf %product, %a : f32
// EARLY-NEXT:     4 |     %product = arith.mulf %a, %a : f32
// EARLY:      note: the input of the pass is in {{.*}}use-too-early{{.*}}.mlir, with the command that fails

// So are wrong types.

// TYPES:      failing-pass.mlir: error: pass 'break-types' failed: 'arith.addf': {{.+}}
// TYPES:      > {{.*}} %sum = {{.*}}arith.addf

// Patterns that undo each other are cut off with their names, in xDSL's own driver too.

// CIRCLE:     failing-pass.mlir: error: pass 'swap-for-ever' failed: rewriting does not end
// CIRCLE-SAME: MulToAdd on arith.mulf (10251 times); AddToMul on arith.addf (10250 times)

// What a pass raises is told in a line with its place, and without the Python stack.

// CRASH-NOT:  Traceback
// CRASH:      failing-pass.mlir: error: pass 'crash' failed: KeyError: 'lost' ({{.*}}plugin_passes.py:{{[0-9]+}}, in apply)
// CRASH-NOT:  Traceback
// CRASH-NEXT: note: the input of the pass is in {{.*}}crash{{.*}}.mlir, with the command that fails

// The reproducer is what the failing pass got, after the passes before it, and fails alone; its head says how.

// RUN: filecheck %s --check-prefix=REPRODUCER < %t/dlp-crash-*.mlir
// RUN: not env PYTHONPATH=%S/Inputs/plugin dlp-opt %t/dlp-crash-*.mlir -p crash --reproducer-dir=%t/again 2>&1 | filecheck %s --check-prefix=AGAIN

// REPRODUCER:      // dlp-opt -p 'crash' {{.*}}crash{{.*}}.mlir
// REPRODUCER:      // KeyError: 'lost'
// REPRODUCER:      arith.mulf
// REPRODUCER-NOT:  arith.mulf
// AGAIN:           pass 'crash' failed: KeyError: 'lost'
func.func @f(%a: f32) -> f32 {
  %product = arith.mulf %a, %a : f32
  %again = arith.mulf %a, %a : f32
  %sum = arith.addf %product, %a : f32
  func.return %sum : f32
}
