package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"satchel/schema"
)

// ArchiveSchema returns the JSON Schema (draft 2020-12) of the archive: the whole
// document, every field of every record, in archive order. It needs the columns
// of every category with their types.
func ArchiveSchema(columns map[schema.Category][]Column) ([]byte, error) {
	defs := object{{"manifestEntry", manifestEntry()}}
	var data, manifest object
	for _, category := range schema.Categories {
		record, err := record(category, columns[category])
		if err != nil {
			return nil, err
		}
		defs = append(defs, member{string(category), record})
		data = append(data, member{string(category), object{
			{"description", categoryDescription(category)},
			{"type", "array"},
			{"items", ref(string(category))},
		}})
		manifest = append(manifest, member{string(category), ref("manifestEntry")})
	}
	text, err := json.MarshalIndent(append(object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "Account export " + schema.ExportVersion},
		{"description", "A complete copy of one account's data."},
	}, append(closedObject(object{
		{"exportVersion", object{{"description", "Version of this format."}, {"const", schema.ExportVersion}}},
		{"accountId", object{{"description", "ID of the account."}, {"type", "string"}, {"pattern", "^AC[0-9a-f]{32}$"}}},
		{"exportedAt", object{{"description", "When reading began: the earliest readAt of the manifest, in whole seconds."}, {"type", "string"}, {"format", "date-time"}}},
		{"data", append(object{{"description", "The records of each category. Each is there, though it may be empty."}}, closedObject(data)...)},
		{"manifest", append(object{{"description", "What each category holds, to check the file against."}}, closedObject(manifest)...)},
	}), member{"$defs", defs})...), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("describe the archive: %w", err)
	}
	return append(text, '\n'), nil
}

func categoryDescription(category schema.Category) string {
	if category == "account" {
		return "The account itself, in one record."
	}
	return "All " + category.Title() + " of the account, in the order they were written."
}

func manifestEntry() object {
	return closedObject(object{
		{"records", object{{"description", "How many records the category has."}, {"type", "integer"}, {"minimum", 0}}},
		{"sha256", object{{"description", "SHA-256, in hex, of the category's array as it stands in the file, from [ to ]."},
			{"type", "string"}, {"pattern", "^[0-9a-f]{64}$"}}},
		{"readAt", object{{"description", "The earliest instant at which a part of the category was read."}, {"type", "string"}, {"format", "date-time"}}},
		{"readings", object{{"description", "Every instant at which a part of the category was read, in the order of its records. " +
			"There is one, unless reading was interrupted and continued later, or a part was read again."},
			{"type", "array"}, {"minItems", 1}, {"items", closedObject(object{
				{"from", object{{"description", "The first record that shows the state of this instant, counted from 0. " +
					"It is the number of records if only the end of the category was seen then."}, {"type", "integer"}, {"minimum", 0}}},
				{"readAt", object{{"description", "The instant."}, {"type", "string"}, {"format", "date-time"}}},
			})}}},
	})
}

func record(category schema.Category, columns []Column) (object, error) {
	if len(columns) == 0 {
		return nil, fmt.Errorf("describe the archive: no columns of %s", category)
	}
	var fields object
	for _, c := range columns {
		if c.Description == "" {
			return nil, fmt.Errorf("describe the archive: %s.%s has no description", category, c.Name)
		}
		fields = append(fields, member{c.Name, append(object{{"description", strings.TrimSpace(sentence(c.Description) + " " + noteOf(c))}}, jsonTypeOf(c)...)})
	}
	return closedObject(fields), nil
}

// closedObject is the schema of an object with all of these members and no others.
func closedObject(members object) object {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.name
	}
	return object{{"type", "object"}, {"properties", members}, {"required", names}, {"additionalProperties", false}}
}

func ref(name string) object { return object{{"$ref", "#/$defs/" + name}} }

// sentence makes a sentence of a short description.
func sentence(s string) string {
	runes := []rune(s)
	if 'a' <= runes[0] && runes[0] <= 'z' {
		runes[0] -= 'a' - 'A'
	}
	if last := runes[len(runes)-1]; last != '.' && last != '!' && last != '?' {
		runes = append(runes, '.')
	}
	return string(runes)
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := marshalPlain(m.name)
		if err != nil {
			return nil, err
		}
		value, err := marshalPlain(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// marshalPlain returns JSON without HTML escapes.
func marshalPlain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
