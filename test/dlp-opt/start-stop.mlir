// RUN: dlp-opt %s -p cse,canonicalize,dce --stop-after=canonicalize --print-ir-after-all 2>&1 | filecheck %s --check-prefix=STOP-AFTER
// RUN: dlp-opt %s -p cse,canonicalize,dce --stop-before=canonicalize --print-ir-after-all 2>&1 | filecheck %s --check-prefix=STOP-BEFORE
// RUN: dlp-opt %s -p cse,canonicalize,dce --start-before=canonicalize --print-ir-after-all 2>&1 | filecheck %s --check-prefix=START-BEFORE
// RUN: dlp-opt %s -p cse,canonicalize,dce --start-after=canonicalize --print-ir-after-all 2>&1 | filecheck %s --check-prefix=START-AFTER

// STOP-AFTER:       After cse
// STOP-AFTER:       After canonicalize
// STOP-AFTER-NOT:   After

// STOP-BEFORE:      After cse
// STOP-BEFORE-NOT:  After

// START-BEFORE-NOT: After cse
// START-BEFORE:     After canonicalize
// START-BEFORE:     After dce

// START-AFTER-NOT:  After c
// START-AFTER:      After dce
func.func private @f()
