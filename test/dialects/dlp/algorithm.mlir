// RUN: dlp-opt %s | dlp-opt | filecheck %s
// RUN: dlp-opt %s --mlir-print-op-generic | dlp-opt | filecheck %s

// Ops with loops of their own, and reading along a dimension.

// CHECK-LABEL: @take_along(
// CHECK: dlp.take_along ins(%{{.*}}, %{{.*}} : tensor<4x5xf32>, tensor<6x4xi64>) -> tensor<6x4xf32> {dimension = 0 : i64}
func.func @take_along(%0: tensor<4x5xf32>, %1: tensor<6x4xi64>) -> tensor<6x4xf32> {
  %2 = dlp.take_along ins(%0, %1 : tensor<4x5xf32>, tensor<6x4xi64>) -> tensor<6x4xf32> {dimension = 0 : i64}
  func.return %2 : tensor<6x4xf32>
}

// CHECK-LABEL: @take_along_last_i32(
// CHECK: dlp.take_along ins(%{{.*}}, %{{.*}} : tensor<3x5xf32>, tensor<2x20xi32>) -> tensor<2x20xf32> {dimension = 1 : i64}
func.func @take_along_last_i32(%0: tensor<3x5xf32>, %1: tensor<2x20xi32>) -> tensor<2x20xf32> {
  %2 = dlp.take_along ins(%0, %1 : tensor<3x5xf32>, tensor<2x20xi32>) -> tensor<2x20xf32> {dimension = 1 : i64}
  func.return %2 : tensor<2x20xf32>
}

// CHECK-LABEL: @take_along_one_d_i32(
// CHECK: dlp.take_along ins(%{{.*}}, %{{.*}} : tensor<9xf32>, tensor<40xi32>) -> tensor<40xf32> {dimension = 0 : i64}
func.func @take_along_one_d_i32(%0: tensor<9xf32>, %1: tensor<40xi32>) -> tensor<40xf32> {
  %2 = dlp.take_along ins(%0, %1 : tensor<9xf32>, tensor<40xi32>) -> tensor<40xf32> {dimension = 0 : i64}
  func.return %2 : tensor<40xf32>
}

// CHECK-LABEL: @scatter(
// CHECK: dlp.scatter ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<5x20xf32>, tensor<4x1xi64>, tensor<4x17xf32>) -> tensor<5x20xf32> {dimension = 0 : i64}
func.func @scatter(%0: tensor<5x20xf32>, %1: tensor<4x1xi64>, %2: tensor<4x17xf32>) -> tensor<5x20xf32> {
  %3 = dlp.scatter ins(%0, %1, %2 : tensor<5x20xf32>, tensor<4x1xi64>, tensor<4x17xf32>) -> tensor<5x20xf32> {dimension = 0 : i64}
  func.return %3 : tensor<5x20xf32>
}

// CHECK-LABEL: @scatter_add_inside(
// CHECK: dlp.scatter ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x3x4xf32>, tensor<2x6x4xi32>, tensor<2x6x4xf32>) -> tensor<2x3x4xf32> {dimension = 1 : i64, combine = "add"}
func.func @scatter_add_inside(%0: tensor<2x3x4xf32>, %1: tensor<2x6x4xi32>, %2: tensor<2x6x4xf32>) -> tensor<2x3x4xf32> {
  %3 = dlp.scatter ins(%0, %1, %2 : tensor<2x3x4xf32>, tensor<2x6x4xi32>, tensor<2x6x4xf32>) -> tensor<2x3x4xf32> {dimension = 1 : i64, combine = "add"}
  func.return %3 : tensor<2x3x4xf32>
}

// CHECK-LABEL: @scatter_mul_i64(
// CHECK: dlp.scatter ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<6xi64>, tensor<9xi64>, tensor<9xi64>) -> tensor<6xi64> {dimension = 0 : i64, combine = "mul"}
func.func @scatter_mul_i64(%0: tensor<6xi64>, %1: tensor<9xi64>, %2: tensor<9xi64>) -> tensor<6xi64> {
  %3 = dlp.scatter ins(%0, %1, %2 : tensor<6xi64>, tensor<9xi64>, tensor<9xi64>) -> tensor<6xi64> {dimension = 0 : i64, combine = "mul"}
  func.return %3 : tensor<6xi64>
}

// CHECK-LABEL: @scatter_bits(
// CHECK: dlp.scatter ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<6xi1>, tensor<3xi64>, tensor<3xi1>) -> tensor<6xi1> {dimension = 0 : i64, combine = "add"}
func.func @scatter_bits(%0: tensor<6xi1>, %1: tensor<3xi64>, %2: tensor<3xi1>) -> tensor<6xi1> {
  %3 = dlp.scatter ins(%0, %1, %2 : tensor<6xi1>, tensor<3xi64>, tensor<3xi1>) -> tensor<6xi1> {dimension = 0 : i64, combine = "add"}
  func.return %3 : tensor<6xi1>
}

// CHECK-LABEL: @scatter_maximum_rows(
// CHECK: dlp.scatter ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<4x3x40xf32>, tensor<4x1x1xi64>, tensor<4x3x40xf32>) -> tensor<4x3x40xf32> {dimension = 0 : i64, combine = "maximum"}
func.func @scatter_maximum_rows(%0: tensor<4x3x40xf32>, %1: tensor<4x1x1xi64>, %2: tensor<4x3x40xf32>) -> tensor<4x3x40xf32> {
  %3 = dlp.scatter ins(%0, %1, %2 : tensor<4x3x40xf32>, tensor<4x1x1xi64>, tensor<4x3x40xf32>) -> tensor<4x3x40xf32> {dimension = 0 : i64, combine = "maximum"}
  func.return %3 : tensor<4x3x40xf32>
}

// CHECK-LABEL: @cumulate(
// CHECK: dlp.cumulate ins(%{{.*}} : tensor<3x7xf32>) -> tensor<3x7xf32> {dimension = 1 : i64, kind = "add"}
func.func @cumulate(%0: tensor<3x7xf32>) -> tensor<3x7xf32> {
  %1 = dlp.cumulate ins(%0 : tensor<3x7xf32>) -> tensor<3x7xf32> {dimension = 1 : i64, kind = "add"}
  func.return %1 : tensor<3x7xf32>
}

// CHECK-LABEL: @cumulate_inside(
// CHECK: dlp.cumulate ins(%{{.*}} : tensor<3x4x5xf32>) -> tensor<3x4x5xf32> {dimension = 1 : i64, kind = "mul"}
func.func @cumulate_inside(%0: tensor<3x4x5xf32>) -> tensor<3x4x5xf32> {
  %1 = dlp.cumulate ins(%0 : tensor<3x4x5xf32>) -> tensor<3x4x5xf32> {dimension = 1 : i64, kind = "mul"}
  func.return %1 : tensor<3x4x5xf32>
}

// CHECK-LABEL: @cumulate_maximum_i32(
// CHECK: dlp.cumulate ins(%{{.*}} : tensor<9xi32>) -> tensor<9xi32> {dimension = 0 : i64, kind = "maximum"}
func.func @cumulate_maximum_i32(%0: tensor<9xi32>) -> tensor<9xi32> {
  %1 = dlp.cumulate ins(%0 : tensor<9xi32>) -> tensor<9xi32> {dimension = 0 : i64, kind = "maximum"}
  func.return %1 : tensor<9xi32>
}

// CHECK-LABEL: @cumulate_log(
// CHECK: dlp.cumulate ins(%{{.*}} : tensor<3x7xf32>) -> tensor<3x7xf32> {dimension = 1 : i64, kind = "logaddexp"}
func.func @cumulate_log(%0: tensor<3x7xf32>) -> tensor<3x7xf32> {
  %1 = dlp.cumulate ins(%0 : tensor<3x7xf32>) -> tensor<3x7xf32> {dimension = 1 : i64, kind = "logaddexp"}
  func.return %1 : tensor<3x7xf32>
}

// CHECK-LABEL: @argsort(
// CHECK: dlp.argsort ins(%{{.*}} : tensor<3x70xf32>) -> tensor<3x70xi64> {dimension = 1 : i64}
func.func @argsort(%0: tensor<3x70xf32>) -> tensor<3x70xi64> {
  %1 = dlp.argsort ins(%0 : tensor<3x70xf32>) -> tensor<3x70xi64> {dimension = 1 : i64}
  func.return %1 : tensor<3x70xi64>
}

// CHECK-LABEL: @argsort_short(
// CHECK: dlp.argsort ins(%{{.*}} : tensor<3x7xf32>) -> tensor<3x7xi64> {dimension = 1 : i64}
func.func @argsort_short(%0: tensor<3x7xf32>) -> tensor<3x7xi64> {
  %1 = dlp.argsort ins(%0 : tensor<3x7xf32>) -> tensor<3x7xi64> {dimension = 1 : i64}
  func.return %1 : tensor<3x7xi64>
}

// CHECK-LABEL: @argsort_descending_ties_i64(
// CHECK: dlp.argsort ins(%{{.*}} : tensor<300x2xi64>) -> tensor<300x2xi64> {dimension = 0 : i64, descending}
func.func @argsort_descending_ties_i64(%0: tensor<300x2xi64>) -> tensor<300x2xi64> {
  %1 = dlp.argsort ins(%0 : tensor<300x2xi64>) -> tensor<300x2xi64> {dimension = 0 : i64, descending}
  func.return %1 : tensor<300x2xi64>
}

// CHECK-LABEL: @argsort_bits(
// CHECK: dlp.argsort ins(%{{.*}} : tensor<17xi1>) -> tensor<17xi64> {dimension = 0 : i64}
func.func @argsort_bits(%0: tensor<17xi1>) -> tensor<17xi64> {
  %1 = dlp.argsort ins(%0 : tensor<17xi1>) -> tensor<17xi64> {dimension = 0 : i64}
  func.return %1 : tensor<17xi64>
}

// CHECK-LABEL: @top_k(
// CHECK: dlp.top_k ins(%{{.*}} : tensor<3x40xf32>) -> tensor<3x5xi64> {dimension = 1 : i64, k = 5 : i64, descending}
func.func @top_k(%0: tensor<3x40xf32>) -> tensor<3x5xi64> {
  %1 = dlp.top_k ins(%0 : tensor<3x40xf32>) -> tensor<3x5xi64> {dimension = 1 : i64, k = 5 : i64, descending}
  func.return %1 : tensor<3x5xi64>
}

// CHECK-LABEL: @top_k_all_i32(
// CHECK: dlp.top_k ins(%{{.*}} : tensor<30x2xi32>) -> tensor<30x2xi64> {dimension = 0 : i64, k = 30 : i64}
func.func @top_k_all_i32(%0: tensor<30x2xi32>) -> tensor<30x2xi64> {
  %1 = dlp.top_k ins(%0 : tensor<30x2xi32>) -> tensor<30x2xi64> {dimension = 0 : i64, k = 30 : i64}
  func.return %1 : tensor<30x2xi64>
}

// CHECK-LABEL: @search_sorted(
// CHECK: dlp.search_sorted ins(%{{.*}}, %{{.*}} : tensor<5xi64>, tensor<3x4xi64>) -> tensor<3x4xi64>
func.func @search_sorted(%0: tensor<5xi64>, %1: tensor<3x4xi64>) -> tensor<3x4xi64> {
  %2 = dlp.search_sorted ins(%0, %1 : tensor<5xi64>, tensor<3x4xi64>) -> tensor<3x4xi64>
  func.return %2 : tensor<3x4xi64>
}

// CHECK-LABEL: @search_sorted_right(
// CHECK: dlp.search_sorted ins(%{{.*}}, %{{.*}} : tensor<2x1xi64>, tensor<2x4xi64>) -> tensor<2x4xi64> {right}
func.func @search_sorted_right(%0: tensor<2x1xi64>, %1: tensor<2x4xi64>) -> tensor<2x4xi64> {
  %2 = dlp.search_sorted ins(%0, %1 : tensor<2x1xi64>, tensor<2x4xi64>) -> tensor<2x4xi64> {right}
  func.return %2 : tensor<2x4xi64>
}

// CHECK-LABEL: @max_pool_places(
// CHECK: dlp.max_pool_places ins(%{{.*}} : tensor<1x3x7x6xf32>) -> tensor<1x3x4x5xi64> {kernel = array<i64: 3, 2>, strides = array<i64: 2, 1>, dilations = array<i64: 1, 2>, low = array<i64: 1, 0>, high = array<i64: 1, 1>}
func.func @max_pool_places(%0: tensor<1x3x7x6xf32>) -> tensor<1x3x4x5xi64> {
  %1 = dlp.max_pool_places ins(%0 : tensor<1x3x7x6xf32>) -> tensor<1x3x4x5xi64> {kernel = array<i64: 3, 2>, strides = array<i64: 2, 1>, dilations = array<i64: 1, 2>, low = array<i64: 1, 0>, high = array<i64: 1, 1>}
  func.return %1 : tensor<1x3x4x5xi64>
}

// CHECK-LABEL: @max_pool_places_one_d_i64(
// CHECK: dlp.max_pool_places ins(%{{.*}} : tensor<2x1x9xi64>) -> tensor<2x1x3xi64> {kernel = array<i64: 3>, strides = array<i64: 3>, dilations = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>}
func.func @max_pool_places_one_d_i64(%0: tensor<2x1x9xi64>) -> tensor<2x1x3xi64> {
  %1 = dlp.max_pool_places ins(%0 : tensor<2x1x9xi64>) -> tensor<2x1x3xi64> {kernel = array<i64: 3>, strides = array<i64: 3>, dilations = array<i64: 1>, low = array<i64: 0>, high = array<i64: 0>}
  func.return %1 : tensor<2x1x3xi64>
}
