package services

import "context"

// Answers is a Ready for programs that say 200 on a URL once they do their work.
func Answers(url string) func(context.Context) error {
	return func(ctx context.Context) error { return answers(ctx, url) }
}
