package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"satchel/schema"
)

func TestCountsHaveThousandsSeparators(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100", -123456: "-123,456"} {
		require.Equal(t, want, schema.FormatCount(n))
	}
}

func TestOnlyOneIsSingular(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{0: "0 records", 1: "1 record", 2: "2 records", 2000: "2,000 records"} {
		require.Equal(t, want, schema.Plural(n, "record"))
	}
}

func TestSizesAreRoundedToOneDecimalOfTheRightUnit(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 150_047: "150.0 kB", 999_949: "999.9 kB", 999_999: "1.0 MB",
		868_000_000: "868.0 MB", 2_500_000_000_000_000: "2.5 PB",
	} {
		require.Equal(t, want, schema.FormatBytes(n))
	}
}
