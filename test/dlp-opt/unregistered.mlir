// RUN: dlp-opt %s --allow-unregistered-dialect | filecheck %s
// RUN: not dlp-opt %s 2>&1 | filecheck %s --check-prefix=ERROR

// CHECK: "somebodys.op"(%a) {width = 3 : i64} : (f32) -> f32
// ERROR: unregistered.mlir:{{[0-9]+}}:{{[0-9]+}}: error: {{.*}}somebodys.op
// ERROR: %0 = "somebodys.op"(%a) {width = 3} : (f32) -> f32
// ERROR-NEXT: ^
func.func @f(%a: f32) -> f32 {
  %0 = "somebodys.op"(%a) {width = 3} : (f32) -> f32
  func.return %0 : f32
}
