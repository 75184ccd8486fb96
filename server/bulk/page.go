package bulk

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"satchel/schema"
)

// usualPage is how many rows a page has when nobody says.
const usualPage = 50

// Meta is what a page says of itself. Every key is always there: the Java
// client asks each whether it is null.
type Meta struct {
	Page            int     `json:"page"`
	PageSize        int     `json:"page_size"`
	FirstPageURL    string  `json:"first_page_url"`
	PreviousPageURL *string `json:"previous_page_url"`
	URL             string  `json:"url"`
	NextPageURL     *string `json:"next_page_url"`
	Key             string  `json:"key"`
}

// paging is what a request says of the page it wants. Where a page begins, its
// token says alone; Page is the client's own counter.
type paging struct {
	key, address string // of the array, and of the list
	list         string // that its tokens are good for
	number, size int
	token, place string // "" at the beginning
	links        schema.Links
}

func (b *Bulk) paging(c echo.Context, key, list string, most int) (paging, error) {
	p := paging{key: key, address: b.base(c.Request()) + unslashed(c.Request().URL.EscapedPath()), list: list, size: usualPage, links: b.Links}
	asked, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return p, invalid("query", "The query cannot be read.")
	}
	if p.number, err = wholeNumber(asked, "Page", 0, 0, 1<<31-1); err != nil {
		return p, err
	}
	if p.size, err = wholeNumber(asked, "PageSize", usualPage, 1, most); err != nil {
		return p, err
	}
	if p.token = asked.Get("PageToken"); p.token == "" {
		return p, nil
	}
	place, ok := b.Links.OpenPageToken(list, p.token)
	if !ok {
		return p, invalid("PageToken", "PageToken was not given out for this list.")
	}
	p.place = place
	return p, nil
}

func unslashed(path string) string {
	if n := len(path); n > 1 && path[n-1] == '/' {
		return path[:n-1]
	}
	return path
}

// wholeNumber reads a parameter that is a number. More than most is most:
// client libraries ask for as many rows as their caller wants.
func wholeNumber(asked url.Values, name string, usual, least, most int) (int, error) {
	if !asked.Has(name) {
		return usual, nil
	}
	n, err := strconv.Atoi(asked.Get(name))
	tooBig := errors.Is(err, strconv.ErrRange) && n > 0
	if err != nil && !tooBig || n < least {
		return 0, invalid(name, "%s %q is not a whole number from %d on.", name, shortened(asked.Get(name)), least)
	}
	return min(n, most), nil
}

// meta describes the page. next is the place of its last row where there are
// more behind it.
func (p paging) meta(next string) Meta {
	m := Meta{
		Page: p.number, PageSize: p.size, Key: p.key,
		FirstPageURL: p.page(0, ""), URL: p.page(p.number, p.token),
	}
	if next != "" {
		address := p.page(p.number+1, p.links.PageToken(p.list, next))
		m.NextPageURL = &address
	}
	return m
}

func (p paging) page(number int, token string) string {
	address := fmt.Sprintf("%s?PageSize=%d&Page=%d", p.address, p.size, number)
	if token != "" {
		address += "&PageToken=" + token
	}
	return address
}
