// REQUIRES: mlir-opt-22
// RUN: dlp-opt %S/elementwise.mlir --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect --mlir-print-op-generic | dlp-opt | filecheck %S/elementwise.mlir
// RUN: dlp-opt %S/contraction.mlir --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect --mlir-print-op-generic | dlp-opt | filecheck %S/contraction.mlir
// RUN: dlp-opt %S/reduction.mlir --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect --mlir-print-op-generic | dlp-opt | filecheck %S/reduction.mlir
// RUN: dlp-opt %S/view.mlir --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect --mlir-print-op-generic | dlp-opt | filecheck %S/view.mlir
// RUN: dlp-opt %S/composite.mlir --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect --mlir-print-op-generic | dlp-opt | filecheck %S/composite.mlir
// RUN: dlp-opt %S/buffers.mlir --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect --mlir-print-op-generic | dlp-opt | filecheck %S/buffers.mlir
// RUN: dlp-opt %S/graph.mlir --mlir-print-op-generic | mlir-opt-22 --allow-unregistered-dialect --mlir-print-op-generic | dlp-opt | filecheck %S/graph.mlir

// Every op travels through the upstream tool in generic form and comes back as it was.
