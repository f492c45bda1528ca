// RUN: rm -rf %t && dlp-opt %s -p cse --split-input-file --dump-dir=%t
// RUN: filecheck %s --check-prefix=FIRST < %t/part-0/000-input.mlir
// RUN: filecheck %s --check-prefix=SECOND < %t/part-1/000-input.mlir

// FIRST: @first
// SECOND: @second
func.func private @first()
// -----
func.func private @second()
