// Package respond is what the APIs and the pages share about answering: the
// policy that each route is registered with (Router, Policy), errors as problem
// documents and what other formats say of them (Problem, Describe), Retry-After,
// timeouts, and the logging of failures.
package respond
