// Package bench measures the speed, the memory and the cost of exports. It starts a
// stack of its own and fills accounts. Each measurement alternates with a reference,
// such as psql and gzip, on the same machine, so that other load affects both. The
// results are a table, docs/benchmarks.md, docs/scale.md, and plots.
//
// A missed goal is a result; only a failed measurement is an error.
package bench
