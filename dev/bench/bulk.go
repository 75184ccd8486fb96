package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"satchel/dev/demo"
	"satchel/schema"
)

// Bulk is the measurements of a bulk job.
type Bulk struct {
	Days           int
	Messages       int64
	Ours, Baseline []time.Duration
}

// Ratio is the time of Satchel divided by that of the baseline.
func (b Bulk) Ratio() float64 { return median(b.Ours).Seconds() / median(b.Baseline).Seconds() }

// measureBulk runs the job and the baseline in turn.
func (b *bench) measureBulk(ctx context.Context) error {
	a, err := b.newAccount(ctx, demo.With{Name: "Of many messages"})
	if err != nil {
		return err
	}
	last := schema.DayOf(time.Now()).Plus(-1)
	days := last.Plus(1 - b.Days).To(last)
	perDay := max(1, b.Messages/int64(b.Days))
	found := Bulk{Days: b.Days, Messages: perDay * int64(b.Days)}
	b.say("Filling an account with %s messages of %d days.", grouped(found.Messages), b.Days)
	if err := demo.FillDays(ctx, b.Demo.DatabaseURL, a.AccountSID, schema.Messages, days[0], last, perDay); err != nil {
		return err
	}
	if err := b.vacuum(ctx); err != nil {
		return err
	}
	if err := b.Worker.Restart(ctx); err != nil {
		return err
	}
	runs := b.Runs
	if b.Quick {
		runs = 1
	}
	b.say("Writing the days, by Satchel and by psql in turn, %d times.", runs)
	for i := range runs + 1 {
		ours, err := a.makeJob(ctx, schema.Messages, days, found.Messages)
		if err != nil {
			return err
		}
		baseline, err := b.baselineDays(ctx, a.AccountSID, schema.Messages, days)
		if err != nil {
			return err
		}
		if i > 0 { // the first of each is a warm-up
			found.Ours, found.Baseline = append(found.Ours, ours), append(found.Baseline, baseline)
		}
		b.say("  %s by Satchel, %s by psql", seconds(ours), seconds(baseline))
	}
	b.report.Bulk = found
	return nil
}

// makeJob requests the days, polls until all are completed, and checks the number
// of records in the files.
func (a *account) makeJob(ctx context.Context, t schema.ResourceType, days []schema.Day, records int64) (time.Duration, error) {
	var job struct {
		ID      string `json:"job_sid"`
		Details []struct {
			Status schema.DayStatus
			Count  int
		}
	}
	began := time.Now()
	if err := a.do(ctx, http.MethodPost, "/v1/Exports/"+string(t)+"/Jobs", url.Values{
		"StartDay": {string(days[0])}, "EndDay": {string(days[len(days)-1])}, "FriendlyName": {"bench"},
	}, &job); err != nil {
		return 0, err
	}
	for {
		if err := a.do(ctx, http.MethodGet, "/v1/Exports/Jobs/"+job.ID, nil, &job); err != nil {
			return 0, err
		}
		done := 0
		for _, d := range job.Details {
			switch {
			case d.Status == schema.DayCompleted:
				done += d.Count
			case d.Status.Ended():
				return 0, fmt.Errorf("%d days of job %s are %s", d.Count, job.ID, d.Status)
			}
		}
		if done == len(days) {
			break
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return 0, err
		}
	}
	took := time.Since(began)
	return took, a.checkDays(ctx, job.ID, days, records)
}

// maxListedFiles is the length of the list of day files.
const maxListedFiles = 200

// checkDays checks that the job's files are of these days and have this number of
// records in total.
func (a *account) checkDays(ctx context.Context, job string, days []schema.Day, records int64) error {
	var list struct {
		Files []struct {
			JobID   string
			Day     schema.Day
			Records int64
		}
	}
	if err := a.do(ctx, http.MethodGet, "/v1/bulk/files", nil, &list); err != nil {
		return err
	}
	written, found := map[schema.Day]bool{}, int64(0)
	for _, file := range list.Files {
		if file.JobID == job {
			written[file.Day] = true
			found += file.Records
		}
	}
	if len(written) != min(len(days), maxListedFiles) || found != records && len(days) <= maxListedFiles {
		return fmt.Errorf("job %s has %d files with %d records in all, of %d with %d", job, len(written), found, len(days), records)
	}
	return nil
}
