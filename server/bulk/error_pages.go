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
	"20001": {"Something in the request is missing or wrong", []string{
		"The message names the parameter, and what was wrong with it. Send the request again once it is mended; a request that was refused costs nothing of the quota.",
		"Days are written yyyy-mm-dd and are UTC days. Parameters of a POST travel as application/x-www-form-urlencoded. WebhookUrl and WebhookMethod go together: set both, or neither.",
		"A PageToken is good for the list that gave it out, and no other. Take next_page_url as it is.",
	}},
	"20003": {"We do not know who is asking", []string{
		"These addresses take HTTP Basic authentication alone: an account SID (AC…) with its auth token, or an API key (SK…) with its secret. Bearer tokens and the sign-in of our pages are good elsewhere.",
	}},
	"20004": {"The address does not know the method", []string{
		"The answer's Allow header says which methods it knows.",
	}},
	"20403": {"This is not allowed", []string{
		"Only owners and admins of an account may do anything with exports, and nobody while the account is suspended.",
		"Of a call that is to be erased it means that those who run this service have not said where old calls are kept. Nothing was done.",
		"Of a file's link it means that the link has expired or is not exactly as it was given out. Fetch the day again: the answer holds a new link.",
	}},
	"20404": {"There is no such thing", []string{
		"The message names the address that was asked for. What belongs to another account is not there for yours; work on a subaccount is done with the subaccount’s own credentials.",
		"Resource types are Messages, Calls, Conferences and Participants, spelled exactly so. A job is listed for a week after it ended, and a day’s file is deleted a week after it was made, unless those who run this service chose otherwise; so a file can be gone while its job is still listed.",
		"A call can be erased under the UTC day on which it was created, and under no other. While a day’s file is made again without it, the file can be gone for a while.",
	}},
	"20409": {"This cannot be done any more", []string{
		"A job can be deleted until its last day has ended. The files of its days are deleted by themselves.",
	}},
	"20412": {"The file is not the one that the request is about", []string{
		"A newer version has taken its place since you saw it. Fetch the day again, and then the file from its beginning.",
	}},
	"20413": {"The request is too large", []string{"A request’s body has at most 64 KiB."}},
	"20416": {"The file is shorter than that", []string{"The answer’s Content-Range header says how long the file is."}},
	"20429": {"Too much was asked for", []string{
		"Either requests came too often, or a job asked for more days than are left of what an account and its subaccounts may ask for in one UTC day. The message says which.",
		"The Retry-After header says in how many seconds to try again: for the quota that is at the next midnight UTC. Deleting a job gives no days back. Daily exports cost none.",
	}},
	"20500": {"Something went wrong on our side", []string{
		"It is not your request’s fault. Try again later; if it goes wrong again, tell us the answer’s X-Request-ID.",
	}},
	"20503": {"We cannot do this right now", []string{
		"A part that we need is away for the moment. The Retry-After header says in how many seconds to try again.",
		"Nothing was done, except where a call was to be erased: that may have begun, and then goes on by itself. Ask again until the answer is 204.",
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
