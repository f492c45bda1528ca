// RUN: env PYTHONPATH=%S/Inputs/plugin dlp-opt %s -p say-target --target=avx2 | filecheck %s
// RUN: env PYTHONPATH=%S/Inputs/plugin dlp-opt %s -p 'say-target{target=scalar}' --target=avx2 | filecheck %s --check-prefix=OWN
// RUN: env PYTHONPATH=%S/Inputs/plugin dlp-opt --list-passes | filecheck %s --check-prefix=LIST
// RUN: env PYTHONPATH=%S/Inputs/plugin dlp-opt --explain=say-target | filecheck %s --check-prefix=EXPLAIN
// RUN: not dlp-opt %s -p say-target 2>&1 | filecheck %s --check-prefix=WITHOUT

// Passes and dialects of an installed package are found, and `--target` reaches a pass that asks for it.

// CHECK: attributes {target = "avx2"}
// CHECK: plugin.marker
// OWN: attributes {target = "scalar"}
// LIST: passes of the package plugin-passes:
// LIST: say-target{{ +}}Write the name of the target on the module.
// EXPLAIN: say-target
// EXPLAIN: Write the name of the target on the module.
// EXPLAIN: target{{ +}}str, default none
// WITHOUT: unknown pass or pipeline 'say-target'
plugin.marker
