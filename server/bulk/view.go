package bulk

import (
	"strconv"

	"satchel/schema"
	"satchel/server/respond"
)

// JobView is a job in Twilio's API.
type JobView struct {
	JobSid                  string              `json:"job_sid"`
	ResourceType            schema.ResourceType `json:"resource_type"`
	FriendlyName            string              `json:"friendly_name"`
	StartDay                schema.Day          `json:"start_day"`
	EndDay                  schema.Day          `json:"end_day"`
	WebhookURL              *string             `json:"webhook_url"`
	WebhookMethod           *string             `json:"webhook_method"`
	Email                   *string             `json:"email"`
	EmailStatus             string              `json:"email_status,omitempty"` // undeliverable, or absent
	Details                 []DetailView        `json:"details"`
	JobQueuePosition        *string             `json:"job_queue_position"`
	EstimatedCompletionTime *string             `json:"estimated_completion_time"`
	URL                     string              `json:"url,omitempty"` // only when one job is fetched, not in lists
}

// DetailView lists the days of a job that share a status.
type DetailView struct {
	Status schema.DayStatus `json:"status"`
	Count  int              `json:"count"`
	Days   []schema.Day     `json:"days"`
}

func jobView(j schema.Job, q schema.QueueStatus) JobView {
	v := JobView{
		JobSid: j.ID, ResourceType: j.Type, FriendlyName: j.Name, StartDay: j.Start, EndDay: j.End,
		WebhookURL: respond.StringOrNull(j.URL), WebhookMethod: respond.StringOrNull(j.Method), Email: respond.StringOrNull(j.Email), Details: groupByStatus(j.Days),
	}
	if j.Undelivered {
		v.EmailStatus = "undeliverable"
	}
	if q.Position > 0 {
		v.JobQueuePosition = respond.StringOrNull(strconv.Itoa(q.Position))
	}
	if !q.EstimatedEnd.IsZero() && !allEnded(j.Days) {
		v.EstimatedCompletionTime = respond.StringOrNull(q.EstimatedEnd.UTC().Format("2006-01-02T15:04:05.000"))
	}
	return v
}

// groupByStatus groups days by status: each day is in one group, and no group is empty.
func groupByStatus(days []schema.JobDay) []DetailView {
	groups := make([]DetailView, 0, 2)
	for _, status := range schema.DayStatuses {
		group := DetailView{Status: status}
		for _, d := range days {
			if d.Status == status {
				group.Days = append(group.Days, d.Day)
			}
		}
		if group.Count = len(group.Days); group.Count > 0 {
			groups = append(groups, group)
		}
	}
	return groups
}

// DayView is a day file in Twilio's API.
type DayView struct {
	Day          schema.Day          `json:"day"`
	Size         int64               `json:"size"`
	CreateDate   schema.Day          `json:"create_date"`
	FriendlyName *string             `json:"friendly_name"`
	ResourceType schema.ResourceType `json:"resource_type"`
}

func dayView(f schema.DayFile) DayView {
	return DayView{Day: f.Day, Size: f.Size, CreateDate: schema.DayOf(f.CreatedAt), FriendlyName: respond.StringOrNull(f.Name), ResourceType: f.Type}
}

// ConfigurationView holds the daily export settings of one resource type.
type ConfigurationView struct {
	URL           string              `json:"url"`
	Enabled       bool                `json:"enabled"`
	WebhookURL    string              `json:"webhook_url"`
	WebhookMethod string              `json:"webhook_method"`
	ResourceType  schema.ResourceType `json:"resource_type"`
}

// TypeView links to the lists of a resource type.
type TypeView struct {
	ResourceType schema.ResourceType `json:"resource_type"`
	URL          string              `json:"url"`
	Links        struct {
		Days             string `json:"days"`
		ExportCustomJobs string `json:"export_custom_jobs"`
		Jobs             string `json:"jobs"`
	} `json:"links"`
}

// LinkView holds the URL of a file under both keys that client libraries read.
type LinkView struct {
	RedirectTo string `json:"redirect_to"`
	CamelCase  string `json:"redirectTo"`
}
