package bulk

import (
	"github.com/labstack/echo/v4"
)

// errorDoc is the content of the page about one error code.
type errorDoc struct {
	title      string
	paragraphs []string
}

// errorDocs holds a page for each code that this API returns.
var errorDocs = map[string]errorDoc{
	"20001": {"A parameter is missing or not valid", []string{
		"The message names the parameter and what is wrong with it. Please correct it and send the request again. A rejected request uses none of the quota.",
		"Days are UTC days in the form yyyy-mm-dd. Parameters of a POST request are sent as application/x-www-form-urlencoded. WebhookUrl and WebhookMethod belong together: set both or neither.",
		"A PageToken belongs to the list that returned it. Use next_page_url as it is.",
	}},
	"20003": {"Authentication failed", []string{
		"These addresses accept only HTTP Basic authentication: an account SID (AC…) with its auth token, or an API key (SK…) with its secret. Bearer tokens and browser sessions work elsewhere, but not here.",
	}},
	"20004": {"The method is not allowed", []string{
		"The Allow header of the response lists the methods that this address supports.",
	}},
	"20403": {"This is not allowed", []string{
		"Only owners and admins of an account can work with its exports, and only while the account is not suspended.",
		"For a call that is to be erased, it means that the operators of this service have not configured where old calls are kept. Nothing was changed.",
		"For the link of a file, it means that the link has expired or was altered. Fetch the day again to get a new link.",
	}},
	"20404": {"Not found", []string{
		"The message names the address that was requested. Resources of other accounts are not visible to yours. To work with a subaccount, use the subaccount’s own credentials.",
		"Resource types are Messages, Calls, Conferences and Participants, spelled exactly like this. Unless the operators of this service have configured other periods, a job is listed for a week after it ended, and the file of a day is deleted a week after it was created. A file can therefore be gone while its job is still listed.",
		"A call can be erased only under the UTC day on which it was created. While the file of that day is rebuilt without the call, it can be missing for a while.",
	}},
	"20409": {"This is no longer possible", []string{
		"A job can be deleted until its last day has ended. The files of its days expire by themselves.",
	}},
	"20412": {"The file has changed", []string{
		"A newer version has replaced the file that the request refers to. Fetch the day again, then download the file from its beginning.",
	}},
	"20413": {"The request is too large", []string{"The body of a request can have at most 64 KiB."}},
	"20416": {"The range is outside the file", []string{"The Content-Range header of the response gives the length of the file."}},
	"20429": {"Too many requests, or quota exceeded", []string{
		"Either requests were sent too often, or too much of something is under way at once, or a job requested more days than are left of today’s quota, which an account shares with its subaccounts. The message says which.",
		"The Retry-After header gives the number of seconds to wait. The quota renews at midnight UTC. Deleting a job does not return its days. Daily exports use none of the quota.",
	}},
	"20500": {"Something went wrong on our side", []string{
		"This was not caused by your request. Please try again later. If it happens again, contact support and quote the X-Request-ID header of the response.",
	}},
	"20503": {"Temporarily unavailable", []string{
		"A service that we depend on is not available at the moment. The Retry-After header gives the number of seconds to wait before you try again.",
		"Nothing was changed, with one exception: erasing a call may have begun and then continues by itself. Repeat the request until the answer is 204.",
	}},
}

// explainError handles GET and HEAD /docs/errors/{code}, which more_info links to.
func (b *Bulk) explainError(c echo.Context) error {
	doc, ok := errorDocs[c.Param("code")]
	if !ok {
		return echo.ErrNotFound
	}
	return b.Explain(c, "Error "+c.Param("code")+": "+doc.title, doc.paragraphs)
}
