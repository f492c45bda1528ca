builtin.module {
  func.func @forward(%0: tensor<6x8xf32>, %1: tensor<6x8xf32>) -> (tensor<1x8xf32>, tensor<6x1x1x1xf32>, tensor<1x1x6xf32>, tensor<1x1x5xf32>) {
    %2 = dlp.sum ins(%0 : tensor<6x8xf32>) -> tensor<1x8xf32> {dims = array<i64: 0>}
    %3 = dlp.pad ins(%0 : tensor<6x8xf32>) -> tensor<6x9xf32> {low = array<i64: 0, 1>, high = array<i64: 0, 0>, value = 0.000000e+00 : f64}
    %4 = dlp.sum ins(%0 : tensor<6x8xf32>) -> tensor<1x8xf32> {dims = array<i64: 0>}
    %5 = dlp.reshape ins(%2 : tensor<1x8xf32>) -> tensor<1x8x1xf32>
    %6 = dlp.weight "w1" : tensor<1xf32>
    %7 = dlp.maximum ins(%6, %4 : tensor<1xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
    %8 = dlp.reshape ins(%3 : tensor<6x9xf32>) -> tensor<2x3x9x1xf32>
    %9 = dlp.sum ins(%5 : tensor<1x8x1xf32>) -> tensor<1x1x1xf32> {dims = array<i64: 0, 1>}
    %10 = dlp.weight "w2" : tensor<1x8xf32>
    %11 = dlp.maximum ins(%10, %7 : tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
    %12 = dlp.constant ins() -> tensor<f32> {value = 0.000000e+00 : f64}
    %13 = dlp.maximum ins(%11, %12 : tensor<1x8xf32>, tensor<f32>) -> tensor<1x8xf32>
    %14 = dlp.add ins(%13, %2 : tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
    %15 = dlp.maximum ins(%9, %9 : tensor<1x1x1xf32>, tensor<1x1x1xf32>) -> tensor<1x1x1xf32>
    %16 = dlp.weight "w3" : tensor<1x6xf32>
    %17 = dlp.matmul ins(%9, %16 : tensor<1x1x1xf32>, tensor<1x6xf32>) -> tensor<1x1x6xf32>
    %18 = dlp.sum ins(%13 : tensor<1x8xf32>) -> tensor<1x8xf32> {dims = array<i64: 0>}
    %19 = dlp.transpose ins(%17 : tensor<1x1x6xf32>) -> tensor<6x1x1xf32> {permutation = array<i64: 2, 0, 1>}
    %20 = dlp.reshape ins(%19 : tensor<6x1x1xf32>) -> tensor<6x1x1x1xf32>
    %21 = dlp.transpose ins(%19 : tensor<6x1x1xf32>) -> tensor<1x1x6xf32> {permutation = array<i64: 2, 1, 0>}
    %22 = dlp.weight "w4" : tensor<f32>
    %23 = dlp.add ins(%22, %17 : tensor<f32>, tensor<1x1x6xf32>) -> tensor<1x1x6xf32>
    %24 = dlp.slice ins(%21 : tensor<1x1x6xf32>) -> tensor<1x1x5xf32> {offsets = array<i64: 0, 0, 1>, steps = array<i64: 1, 1, 1>}
    func.return %18, %20, %23, %24 : tensor<1x8xf32>, tensor<6x1x1x1xf32>, tensor<1x1x6xf32>, tensor<1x1x5xf32>
  }
}

