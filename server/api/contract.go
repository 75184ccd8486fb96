package api

import (
	"encoding/json"
	"strconv"
	"strings"

	"satchel/schema"
)

// Contract returns the OpenAPI document with the site as its server. The categories in its
// schemas and examples are those of the catalog: openapi.json holds placeholders for them.
func Contract(site schema.Site) ([]byte, error) {
	document, err := contractAt(site)
	if err != nil {
		return nil, err
	}
	return []byte(categoryPlaceholders().Replace(string(document))), nil
}

// categoryPlaceholders replaces each placeholder, including its quotes.
func categoryPlaceholders() *strings.Replacer {
	return strings.NewReplacer(
		`"{{category count}}"`, strconv.Itoa(len(schema.Categories)),
		`"{{category names}}"`, eachCategory(func(_ int, c schema.Category) any { return c }),
		`"{{category schemas}}"`, eachCategory(func(_ int, c schema.Category) any {
			name := map[string]any{"properties": map[string]any{"name": map[string]any{"const": c}}}
			return map[string]any{"allOf": []any{map[string]any{"$ref": "#/components/schemas/Category"}, name}}
		}),
		`"{{categories waiting}}"`, eachCategory(waitingExample),
		`"{{categories reading}}"`, eachCategory(func(i int, c schema.Category) any {
			switch half := len(schema.Categories) / 2; {
			case i < half:
				return doneExample(i, c)
			case i > half:
				return waitingExample(i, c)
			}
			expected := int64(200_000)
			return CategoryView{Name: c, Status: schema.CategoryReading, Records: 41_000, ExpectedRecords: &expected, Bytes: 50_331_648}
		}),
		`"{{categories done}}"`, eachCategory(doneExample),
	)
}

func waitingExample(_ int, c schema.Category) any {
	return CategoryView{Name: c, Status: schema.CategoryWaiting}
}

func doneExample(_ int, c schema.Category) any {
	records := int64(3)
	return CategoryView{Name: c, Status: schema.CategoryDone, Records: records, ExpectedRecords: &records, Bytes: 1200}
}

// eachCategory returns the items of a JSON array with one item per category.
func eachCategory(item func(i int, c schema.Category) any) string {
	items := make([]string, len(schema.Categories))
	for i, c := range schema.Categories {
		text, err := json.Marshal(item(i, c))
		if err != nil {
			panic(err) // cannot happen: the items hold only strings and numbers
		}
		items[i] = string(text)
	}
	return strings.Join(items, ", ")
}
