package main

import (
	"context"

	"golang.org/x/sync/errgroup"

	"satchel/schema"
	"satchel/schema/store"
	workflowclient "satchel/workflows/client"
)

const (
	schedulesAtOnce   = 16
	configurationPage = 1000
)

// dailySchedules are Temporal's schedules of daily exports.
type dailySchedules interface {
	// ListDaily lists all, and whether each is up to date.
	ListDaily(ctx context.Context) (map[workflowclient.DailySchedule]bool, error)
	SetDaily(ctx context.Context, account string, t schema.ResourceType, enabled bool) error
}

// scheduleDaily makes Temporal's schedules those of the enabled daily exports: it
// creates what is missing, updates what has other settings, and deletes what should not
// be: all of them, if bulk exports are off. So daily exports continue after Temporal's data was lost, follow changed settings,
// and stay off after Temporal was restored.
//
// It lists what there is first, so that a start with nothing to do costs two lists, and
// one after an error continues. One worker does it at a time.
func scheduleDaily(ctx context.Context, own *store.BulkExports, schedules dailySchedules, off bool) error {
	return own.Exclusively(ctx, "daily schedules", func(ctx context.Context) error {
		found, err := schedules.ListDaily(ctx)
		if err != nil {
			return err
		}
		setting, ctx := errgroup.WithContext(ctx)
		setting.SetLimit(schedulesAtOnce)
		set := func(s workflowclient.DailySchedule) {
			setting.Go(func() error {
				if off {
					return schedules.SetDaily(ctx, s.Account, s.Type, false)
				}
				return setDaily(ctx, own, schedules, s)
			})
		}
		if !off {
			err = eachEnabled(ctx, own, func(s workflowclient.DailySchedule) {
				if !found[s] {
					set(s)
				}
				delete(found, s)
			})
		}
		if err == nil {
			for s := range found { // without an enabled configuration
				set(s)
			}
		}
		if failed := setting.Wait(); failed != nil { // and not the cancellation that follows from it
			return failed
		}
		return err
	})
}

// eachEnabled calls do for each enabled daily export.
func eachEnabled(ctx context.Context, own *store.BulkExports, do func(workflowclient.DailySchedule)) error {
	for last := (schema.BulkConfiguration{}); ; {
		enabled, err := own.EnabledConfigurations(ctx, last, configurationPage)
		if err != nil || len(enabled) == 0 {
			return err
		}
		for _, last = range enabled {
			do(workflowclient.DailySchedule{Account: last.Account, Type: last.Type})
		}
	}
}

// setDaily makes a schedule what its configuration says, until that has not changed
// meanwhile.
func setDaily(ctx context.Context, own *store.BulkExports, schedules dailySchedules, s workflowclient.DailySchedule) error {
	want, err := own.Configuration(ctx, s.Account, s.Type)
	for err == nil {
		if err = schedules.SetDaily(ctx, s.Account, s.Type, want.Enabled); err != nil {
			return err
		}
		set := want.Enabled
		if want, err = own.Configuration(ctx, s.Account, s.Type); err == nil && want.Enabled == set {
			return nil
		}
	}
	return err
}
