// RUN: not dlp-opt %s -p cze 2>&1 | filecheck %s --check-prefix=PASS
// RUN: not dlp-opt %s --scf-for-loop-unrol 2>&1 | filecheck %s --check-prefix=FLAG
// RUN: not dlp-opt %s --pass-statistic 2>&1 | filecheck %s --check-prefix=OPTION
// RUN: not dlp-opt %s -p 'scf-parallel-loop-tiling{parallel-loop-tile-size=4}' 2>&1 | filecheck %s --check-prefix=PASS-OPTION
// RUN: not dlp-opt %s -p 'scf-parallel-loop-tiling{parallel-loop-tile-sizes=big}' 2>&1 | filecheck %s --check-prefix=VALUE
// RUN: not dlp-opt %s -p scf-parallel-loop-tiling 2>&1 | filecheck %s --check-prefix=MISSING
// RUN: not dlp-opt %s -p 'cse{a' 2>&1 | filecheck %s --check-prefix=SYNTAX
// RUN: not dlp-opt %s -p cse --dce 2>&1 | filecheck %s --check-prefix=BOTH
// RUN: not dlp-opt %s --print-ir-after=cze 2>&1 | filecheck %s --check-prefix=PRINT
// RUN: not dlp-opt %s -p cse,dce --stop-after=cze 2>&1 | filecheck %s --check-prefix=STOP
// RUN: not dlp-opt %s --target=avx9 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not dlp-opt --explain=cze 2>&1 | filecheck %s --check-prefix=PRINT
// RUN: not dlp-opt %s.missing 2>&1 | filecheck %s --check-prefix=FILE
// RUN: not dlp-opt %s %s 2>&1 | filecheck %s --check-prefix=MANY

// PASS-NOT: Traceback
// PASS: dlp-opt: error: unknown pass or pipeline 'cze'; did you mean '{{cse|dce}}'?
// FLAG: dlp-opt: error: unknown option or pass '--scf-for-loop-unrol'; did you mean '--scf-for-loop-unroll'?
// OPTION: dlp-opt: error: unknown option or pass '--pass-statistic'; did you mean '--pass-statistics'?
// PASS-OPTION: dlp-opt: error: pass 'scf-parallel-loop-tiling' has no option 'parallel-loop-tile-size'; did you mean 'parallel-loop-tile-sizes'?
// VALUE: dlp-opt: error: option 'parallel-loop-tile-sizes' of pass 'scf-parallel-loop-tiling' must be {{.*}}, not big
// MISSING: dlp-opt: error: pass 'scf-parallel-loop-tiling' needs the option 'parallel-loop-tile-sizes'
// SYNTAX: dlp-opt: error: the pipeline cannot be read
// SYNTAX: cse{a
// BOTH: dlp-opt: error: use either -p or pass flags
// PRINT: dlp-opt: error: unknown pass 'cze'; did you mean '{{cse|dce}}'?
// STOP: dlp-opt: error: the pipeline has no pass or stage 'cze'; did you mean '{{cse|dce}}'?
// TARGET: dlp-opt: error: {{.*}}avx9{{.*}}avx
// FILE: dlp-opt: error: cannot read '{{.*}}.missing': No such file or directory
// MANY: dlp-opt: error: '{{.*}}wrong-names.mlir' is one argument too many
