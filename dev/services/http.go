package services

import "context"

// ReadyWhenOK returns a Ready for programs that answer GET url with 200 once
// they are up.
func ReadyWhenOK(url string) func(context.Context) error {
	return func(ctx context.Context) error { return checkOK(ctx, url) }
}
