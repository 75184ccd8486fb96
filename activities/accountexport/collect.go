package accountexport

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"

	"satchel/activities"
	"satchel/schema"
)

// CollectCategoryInput is the input of CollectCategory.
type CollectCategoryInput struct {
	Export   string
	Account  string
	Category schema.Category
	Damaged  string `json:",omitempty"` // object key of a piece to collect again, with all that follow it
}

// CollectCategory reads one category of the account and stores it as pieces. A
// retry continues after the last piece in the ledger, or begins anew if the category's
// query has changed since; two attempts that run at the same time neither lose nor
// duplicate a record. While the next attempt waits for what does not answer, the category
// is waiting.
func (a *Activities) CollectCategory(ctx context.Context, in CollectCategoryInput) error {
	reading, stop := activities.HeartbeatReading(ctx)
	defer stop()
	err := a.collect(reading, in)
	if schema.KindOf(err) == schema.Unavailable {
		if markErr := a.Store.MarkCategoryWaiting(ctx, in.Export, in.Category); markErr != nil {
			activity.GetLogger(ctx).Warn("category not marked as waiting", "export", in.Export, "category", in.Category, "err", markErr)
		}
	}
	return activities.ToApplicationError(ctx, a.refusals.Limit(ctx, err))
}

func (a *Activities) collect(ctx context.Context, in CollectCategoryInput) error {
	var store collectStore = a.Store
	recipient, err := store.StartCollecting(ctx, in.Export)
	if err != nil {
		return err
	}
	query, err := a.Source.CategoryHash(ctx, in.Category)
	if err != nil {
		return err
	}
	checkpoint, err := store.ResumeCategory(ctx, in.Export, in.Category, query, in.Damaged)
	if err != nil || checkpoint.Done {
		return err
	}
	return activities.NotFoundAsNotVisible(a.Source.ReadCategory(ctx, in.Category, in.Account, checkpoint.LastKey, func(readAt time.Time, rows schema.RecordReader) error {
		expected, err := rows.Expected()
		if err != nil {
			return err
		}
		if err := store.BeginCategory(ctx, in.Export, in.Category, expected); err != nil {
			return err
		}
		if now, err := a.Source.CategoryHash(ctx, in.Category); err != nil || now != query {
			return errors.Join(err, schema.ErrStaleAttempt) // a column's type changed before this snapshot
		}
		w := newPieceWriter(a.Vault, store, a.Count, in, recipient, query, checkpoint, readAt)
		w.pieceSize = cmp.Or(a.PieceSize, w.pieceSize)
		if err := w.write(ctx, rows); err != nil {
			return err
		}
		return store.FinishCategory(ctx, in.Export, in.Category, query, schema.Checkpoint{Pieces: w.pieces, LastKey: w.after}, readAt)
	}))
}
