package kv
import ("testing";"maps";"slices";"math/rand/v2";"strings";"errors"
"github.com/keelson-chain/keelson/ledger/fsys")
func TestZZ(t *testing.T) {
	counts := map[string]int{}
	for sc := range uint64(60) {
		fs := fsys.NewCrash()
		var commits []model
		if err := scenario(fs, 100+sc, 10+int(sc%17), func(m model) { commits = append(commits, m) }); err != nil { t.Fatal(err) }
		names, _ := fs.List(".")
		for _, name := range names {
			if !strings.HasPrefix(name, "MANIFEST") && !strings.HasSuffix(name, ".log") { continue }
			for how, damage := range damages {
				for seed := range uint64(30) {
					image := fs.Reboot(1)
					breakFile(t, image, name, func(data []byte) []byte { return damage(rand.New(rand.NewPCG(seed, 3)), data) })
					got, err := readAll(image)
					k := name[:3]+name[len(name)-3:]
					k = strings.Trim(k, "0123456789")
					switch {
					case errors.Is(err, ErrCorrupt): counts[k+" corrupt"]++
					case err != nil: t.Error(err)
					default:
						age := slices.IndexFunc(commits, func(m model) bool { return maps.Equal(m, got) })
						switch {
						case age < 0 && len(got)>0: counts[k+" INCONSISTENT"]++; t.Logf("%d %s %s %d", sc, how, name, seed)
						case age == len(commits)-1: counts[k+" intact"]++
						default: counts[k+" older"]++
						if k[0]=='M' {t.Logf("older %d %s %s %d: %d of %d", sc, how, name, seed, age, len(commits))}
						}
					}
				}
			}
		}
	}
	t.Log(counts)
}
