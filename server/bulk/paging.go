package bulk

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// defaultPageSize is the page size if a request names none.
const defaultPageSize = 50

// Meta describes a page. Every key is always present: the Java client reads each and checks
// for null.
type Meta struct {
	Page            int     `json:"page"`
	PageSize        int     `json:"page_size"`
	FirstPageURL    string  `json:"first_page_url"`
	PreviousPageURL *string `json:"previous_page_url"`
	URL             string  `json:"url"`
	NextPageURL     *string `json:"next_page_url"`
	Key             string  `json:"key"`
}

// paging holds the parsed paging parameters of a request. Only PageToken decides where a page
// begins; Page is a counter that belongs to the client.
type paging struct {
	key, listURL  string // name of the array, URL of the list
	scope         string // list that page tokens are bound to
	number, size  int
	token, cursor string // "" for the first page
	links         schema.Links
}

func (b *Bulk) parsePaging(c echo.Context, key, scope string, maxSize int) (paging, error) {
	p := paging{key: key, listURL: b.baseURL(c.Request()) + trimTrailingSlash(c.Request().URL.EscapedPath()), scope: scope, size: defaultPageSize, links: b.Links}
	query, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return p, invalid("query", "The query string is not valid.")
	}
	if p.number, err = parseInteger(query, "Page", 0, 0, 1<<31-1); err != nil {
		return p, err
	}
	if p.size, err = parseInteger(query, "PageSize", defaultPageSize, 1, maxSize); err != nil {
		return p, err
	}
	if p.token = query.Get("PageToken"); p.token == "" {
		return p, nil
	}
	cursor, ok := b.Links.OpenPageToken(scope, p.token)
	if !ok {
		return p, invalid("PageToken", "PageToken does not belong to this list.")
	}
	p.cursor = cursor
	return p, nil
}

func trimTrailingSlash(path string) string {
	if n := len(path); n > 1 && path[n-1] == '/' {
		return path[:n-1]
	}
	return path
}

// parseInteger parses a whole number of at least lowest, and caps it at highest: client
// libraries ask for as many rows as their caller wants.
func parseInteger(query url.Values, name string, fallback, lowest, highest int) (int, error) {
	if !query.Has(name) {
		return fallback, nil
	}
	n, err := strconv.Atoi(query.Get(name))
	tooBig := errors.Is(err, strconv.ErrRange) && n > 0
	if err != nil && !tooBig || n < lowest {
		return 0, invalid(name, "%s %q is not a whole number of at least %d.", name, truncate(query.Get(name)), lowest)
	}
	return min(n, highest), nil
}

// meta describes the page. next is the cursor of its last row, or "" on the last page.
func (p paging) meta(next string) Meta {
	m := Meta{
		Page: p.number, PageSize: p.size, Key: p.key,
		FirstPageURL: p.pageURL(0, ""), URL: p.pageURL(p.number, p.token),
	}
	if next != "" {
		nextURL := p.pageURL(p.number+1, p.links.PageToken(p.scope, next))
		m.NextPageURL = &nextURL
	}
	return m
}

func (p paging) pageURL(number int, token string) string {
	pageURL := fmt.Sprintf("%s?PageSize=%d&Page=%d", p.listURL, p.size, number)
	if token != "" {
		pageURL += "&PageToken=" + token
	}
	return pageURL
}
