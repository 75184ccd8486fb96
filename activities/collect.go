package activities

import (
	"context"

	"golang.org/x/sync/errgroup"

	"satchel/schema"
)

// Collect is what CollectCategory is told.
type Collect struct {
	Export   string
	Account  string
	Category schema.Category
}

// CollectCategory reads one category of the account and writes it as pieces.
// Run again it goes on behind the last piece the ledger counts; two attempts
// alive at once can neither lose a record nor double one.
func (a *Activities) CollectCategory(ctx context.Context, in Collect) error {
	defer beat(ctx)()
	return verdict(ctx, a.collect(ctx, in))
}

func (a *Activities) collect(ctx context.Context, in Collect) error {
	recipient, err := a.Store.Recipient(ctx, in.Export)
	if err != nil {
		return err
	}
	place, err := a.Store.Place(ctx, in.Export, in.Category)
	if err != nil || place.Done {
		return err
	}
	records, err := a.Source.Records(ctx, in.Category, in.Account, place.LastKey)
	if err != nil {
		return err
	}
	defer records.Close() //nolint:errcheck // everything was read, or the error is known
	if err := a.Store.BeginCategory(ctx, in.Export, in.Category, place.Records+records.Expected()); err != nil {
		return err
	}
	w := newPieceWriter(a, in, recipient, place, records.ReadAt())
	if err := w.write(ctx, records); err != nil {
		return err
	}
	return a.Store.FinishCategory(ctx, in.Export, in.Category, w.pieces, records.ReadAt())
}

// write reads, compresses and stores at the same time, each stage a little
// ahead of the next, so that a slow S3 slows the reading and memory stays flat.
func (w *pieceWriter) write(ctx context.Context, records Records) error {
	stages, ctx := errgroup.WithContext(ctx)
	texts := make(chan *text, 2)
	pieces := make(chan *sealing, 1)
	stages.Go(func() error { defer close(texts); return w.read(ctx, records, texts) })
	stages.Go(func() error { defer close(pieces); return w.compress(ctx, texts, pieces) })
	stages.Go(func() error { return w.store(ctx, pieces) })
	return stages.Wait()
}
