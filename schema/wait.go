package schema

import "context"

type waitObserver struct{}

// WithWaitObserver returns a context under which a read of the platform's database calls
// observe with true once it has waited for the database for a while, and with false once
// it goes on. Calls come from another goroutine, one at a time.
func WithWaitObserver(ctx context.Context, observe func(waiting bool)) context.Context {
	return context.WithValue(ctx, waitObserver{}, observe)
}

// WaitObserver returns the function that was passed to WithWaitObserver, or one that does
// nothing.
func WaitObserver(ctx context.Context) func(waiting bool) {
	if observe, ok := ctx.Value(waitObserver{}).(func(bool)); ok {
		return observe
	}
	return func(bool) {}
}
