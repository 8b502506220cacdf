package explorer

import "fmt"

// drawnMost is how many blocks of a branch are drawn: the first ones, so that the
// two stand side by side.
const drawnMost = 4

// The drawing of a fork, in units of its own: squares from left to right, the new
// branch above and the old one below.
const (
	forkStep = 58
	forkSize = 30
	forkNewY = 12
	forkOldY = 68
)

// drawnReorg is a reorganisation with its drawing.
type drawnReorg struct {
	reorg
	Width, Height int
	Root          forkBlock
	NewBlocks     []forkBlock
	OldBlocks     []forkBlock
	NewLine       string // paths of SVG
	OldLine       string
	// NewMore and OldMore are how many blocks are not drawn, and where that is said.
	NewMore, OldMore   int
	NewMoreX, OldMoreX int
	What               string // it in words
}

type forkBlock struct {
	branchBlock
	X, Y   int
	Middle int // of the square
}

func draw(re reorg) drawnReorg {
	d := drawnReorg{reorg: re, Height: forkOldY + forkSize + 22}
	middle := (forkNewY + forkOldY) / 2
	d.Root = forkBlock{branchBlock{BlockRef: re.Fork}, 4, middle, 4 + forkSize/2}
	place := func(list []branchBlock, whole, y int) (blocks []forkBlock, line string, more, moreX int) {
		if whole == 0 {
			return nil, "", 0, 0
		}
		most := drawnMost
		if whole > most {
			most-- // for how many more there are
		}
		list = list[:min(len(list), most)]
		x := 4 + forkStep
		for _, b := range list {
			blocks = append(blocks, forkBlock{b, x, y, x + forkSize/2})
			x += forkStep
		}
		end := x - forkStep
		if more = whole - len(list); more > 0 {
			end += forkSize + 16
			moreX = end + 4
			x += forkStep
		}
		d.Width = max(d.Width, x)
		fromX, fromY, toY := 4+forkSize, middle+forkSize/2, y+forkSize/2
		line = fmt.Sprintf("M%d %dC%d %d %d %d %d %dL%d %d", fromX, fromY, fromX+18, fromY, fromX+10, toY, 4+forkStep, toY, end, toY)
		return blocks, line, more, moreX
	}
	d.NewBlocks, d.NewLine, d.NewMore, d.NewMoreX = place(re.New, re.Length, forkNewY)
	d.OldBlocks, d.OldLine, d.OldMore, d.OldMoreX = place(re.Old, re.Depth, forkOldY)
	d.What = fmt.Sprintf("After block %s, %s gave way to %s.", group(re.Fork.Height), plural(re.Depth, "block"), plural(re.Length, "other"))
	if re.Length == 0 {
		d.What = fmt.Sprintf("%s above block %s were taken back, and none came in their place.", plural(re.Depth, "block"), group(re.Fork.Height))
		if re.Depth == 1 {
			d.What = fmt.Sprintf("1 block above block %s was taken back, and none came in its place.", group(re.Fork.Height))
		}
	}
	return d
}

type reorgsData struct {
	List []drawnReorg
	Most int
}

func (r *request) reorgs() (*page, error) {
	d := &reorgsData{Most: maxReorgs}
	for _, re := range r.n.memory.Reorgs() {
		d.List = append(d.List, draw(re))
	}
	return &page{Title: "Reorganisations", Name: "reorgs", Data: d}, nil
}
