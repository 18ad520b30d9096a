"""What a figure says."""

from matplotlib.figure import Figure


def labels(figure: Figure) -> list[str]:
    return [text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel())]


def words(figure: Figure) -> list[str]:
    """Entries of the legends, of the figure's and of its axes."""
    found = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return [text.get_text() for legend in found if legend is not None for text in legend.get_texts()]
