"""How panels look: a word, a sign and a colour for each state, and one style sheet.

What a panel needs to be read (the bar's length and colour) is in style attributes, which viewers
keep that drop style sheets; where those go too, the text alone still reads in order.
"""

from __future__ import annotations

from typing import NamedTuple

from ..protocol.jobs import JobState


class Look(NamedTuple):
    """How a state is told: never by its colour alone."""

    word: str
    sign: str
    colour: str
    #: At least 3:1 against white and against JupyterLab's dark grey (WCAG 2.2, 1.4.11).


LOOKS = {
    JobState.QUEUED: Look("queued", "○", "#858b94"),
    JobState.RUNNING: Look("running", "◐", "#2f7fe0"),
    JobState.SUCCEEDED: Look("succeeded", "✓", "#2e9e5b"),
    JobState.FAILED: Look("failed", "✗", "#d64545"),
    JobState.CANCELLED: Look("cancelled", "⊘", "#858b94"),
}

TRACK = "rgba(128,128,128,0.22)"
"""What of a bar is still empty, on any background."""

CSS = """
.taskkit{box-sizing:border-box;max-width:720px;margin:2px 0;padding:9px 14px 10px;
border:1px solid var(--jp-border-color2,rgba(128,128,128,.3));border-radius:6px;
background:var(--jp-layout-color1,var(--vscode-editor-background,#fff));
color:var(--jp-ui-font-color1,var(--vscode-editor-foreground,#1f2328));
font:13px/20px var(--jp-ui-font-family,system-ui,sans-serif);
font-variant-numeric:tabular-nums;white-space:normal;overflow-wrap:anywhere}
.taskkit>*{margin:0;padding:0}
.taskkit .tk-head{display:flex;flex-wrap:wrap;gap:0 7px;align-items:baseline;min-height:22px}
.taskkit .tk-head b{font-weight:600;max-width:calc(100% - 24px)}
.taskkit .tk-percent{margin-left:auto;padding-left:8px;white-space:nowrap}
.taskkit .tk-quiet,.taskkit .tk-facts,.taskkit .tk-percent{
color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,inherit))}
.taskkit .tk-bar{margin:5px 0 6px;border-radius:3px;overflow:hidden;display:flex}
.taskkit .tk-bar>div{flex:none}
.taskkit .tk-unknown{background-image:repeating-linear-gradient(115deg,
rgba(47,127,224,.75) 0 10px,rgba(47,127,224,.35) 10px 20px)}
.taskkit .tk-facts,.taskkit .tk-above,.taskkit .tk-note{font-size:12px;line-height:18px}
.taskkit .tk-inner{margin:0 0 4px 14px}
.taskkit .tk-inner .tk-bar{margin:1px 0 3px}
.taskkit .tk-curves{display:flex;flex-wrap:wrap;gap:8px 20px;margin-top:8px;font-size:12px;
line-height:17px}
.taskkit .tk-curve{flex:1 1 180px;max-width:340px;min-width:0}
.taskkit .tk-curve>*{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.taskkit .tk-curve svg{display:block;background:rgba(128,128,128,.09);border-radius:3px}
.taskkit .tk-curve span{float:right;padding-left:10px}
.taskkit .tk-table{margin-top:7px;overflow:auto;font-size:12px;line-height:18px}
.taskkit .tk-table table{border-collapse:collapse;margin:0 0 2px;font-size:12px;color:inherit}
.taskkit .tk-table :is(th,td){padding:1px 10px;text-align:right;white-space:nowrap;border:0;
background:none;font-weight:400;max-width:none}
.taskkit .tk-table thead th{font-weight:600;border-bottom:1px solid rgba(128,128,128,.4)}
.taskkit .tk-table th:first-child{padding-left:0;text-align:left}
.tk-gallery.taskkit{display:flex;flex-flow:row wrap;gap:8px;align-items:flex-start;
max-width:720px;padding:2px 14px;border:0;background:none;overflow:visible}
.tk-gallery:empty{display:none}
.tk-gallery .widget-html{width:auto!important}
.tk-gallery .tk-figure{margin:0;min-width:0;max-width:100%;overflow:auto;font-size:12px;
line-height:18px}
.tk-gallery .tk-figure img{display:block}
.tk-gallery table.dataframe{border-collapse:collapse;border:0;margin:0;font-size:12px;color:inherit}
.tk-gallery table.dataframe :is(th,td){padding:1px 10px;text-align:right;border:0;background:none;
overflow-wrap:normal}
.tk-gallery table.dataframe tbody th{font-weight:400}
.tk-gallery table.dataframe thead tr:last-child th{border-bottom:1px solid rgba(128,128,128,.4)}
.tk-gallery figcaption{color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,inherit))}
.taskkit .tk-name,div.taskkit pre[class]{
font-family:var(--jp-code-font-family,ui-monospace,monospace)}
div.taskkit pre[class]{margin:0;padding:0;border:0;background:none;color:inherit;
font-size:12px;line-height:17px;white-space:pre-wrap;overflow-wrap:anywhere}
div.taskkit pre.tk-result{margin-top:6px}
.taskkit .tk-output{margin-top:7px;padding-left:10px;border-left:2px solid rgba(128,128,128,.3);
color:var(--jp-ui-font-color2,inherit)}
.taskkit details.tk-more{margin:0}
.taskkit .tk-scroll,.tk-box .tk-log .widget-html-content{display:flex;
flex-direction:column-reverse;max-height:320px;overflow:auto}
.taskkit .tk-scroll{margin:3px 0 5px;border-bottom:1px dashed rgba(128,128,128,.4)}
.taskkit .tk-scroll>pre{flex:none}
.taskkit pre a{text-decoration:underline}
.taskkit pre span[style*="--l:"]{color:var(--l)!important}
:is([data-jp-theme-light=false],[data-vscode-theme-kind$=dark],
[data-vscode-theme-kind=vscode-high-contrast]) .taskkit pre span[style*="--d:"]{
color:var(--d)!important}
@media(forced-colors:active){.taskkit .tk-bar,.taskkit .tk-strip i{forced-color-adjust:none}
.taskkit .tk-bar{outline:1px solid CanvasText}}
@media(prefers-contrast:more){.taskkit .tk-output,.taskkit .tk-above,
.taskkit pre span[style*="--l:"][style]{color:inherit!important}}
.taskkit .tk-note+.tk-note,.taskkit .tk-trouble+.tk-note{margin-top:5px}
.taskkit .tk-trouble{margin-top:7px;padding-left:10px;border-left:2px solid #d64545}
.taskkit .tk-warn{margin-top:7px;padding-left:10px;border-left:2px solid #c98a1b}
.taskkit details{margin-top:5px}
.taskkit summary{cursor:pointer;font-size:12px}
.taskkit .tk-trouble>details[open]{max-height:360px;overflow:auto}
.taskkit details details{margin:1px 0 1px 16px}
.taskkit .tk-strip{margin-top:7px;font-size:0;line-height:0}
.taskkit .tk-strip i{display:inline-block;width:9px;height:9px;margin:0 2px 2px 0;
box-sizing:border-box;border-radius:2px;border:1px solid #858b94}
.taskkit .tk-strip i.s{background:#2e9e5b;border-color:#2e9e5b}
.taskkit .tk-strip i.r{border-color:#2f7fe0}
.taskkit .tk-strip i.d{border-color:transparent;background-origin:border-box}
.taskkit .tk-strip i.f{background:#d64545;border-color:#d64545;border-radius:50%}
.taskkit .tk-strip i.c{background:linear-gradient(135deg,transparent 42%,#858b94 42% 58%,
transparent 58%)}
.tk-box{position:relative;max-width:720px;overflow:visible}
.jp-OutputArea-child:has(.tk-still):has(+.jp-OutputArea-child .tk-live){display:none}
.jp-OutputArea-child:has(.tk-still)+.jp-OutputArea-child>.jupyter-widgets:not(:has(*)){display:none}
[data-vscode-theme-kind] .tk-still:has(.tk-dated){display:none}
.taskkit .tk-copy{display:inline!important;border:0;padding:0 0 0 8px;background:none;font:inherit;
color:inherit;cursor:pointer;text-decoration:underline}
.tk-box .tk-head{padding-right:82px}
.tk-box .tk-act{width:76px;height:22px;margin:1px 0 4px;padding:0;line-height:20px;font-size:12px;
border:1px solid rgba(128,128,128,.35);
border-radius:4px;background:transparent;
color:var(--jp-ui-font-color1,var(--vscode-editor-foreground,#1f2328))}
.tk-live>.tk-act{position:absolute;top:10px;right:13px;margin:0}
.tk-box .tk-act:hover{box-shadow:none;border-color:currentColor}
.tk-live>.tk-act:hover{border-color:#d64545;color:#d64545}
.tk-box .widget-html,.tk-box .widget-html-content{margin:0;padding:0;line-height:20px;
width:100%;max-width:100%}
.tk-box .tk-style{display:none}
.tk-box .tk-drawer{padding:1px 14px 3px}
.tk-box .tk-drawer summary{cursor:pointer;font-size:12px;
color:var(--jp-ui-font-color2,var(--vscode-descriptionForeground,inherit))}
.tk-box .tk-log.widget-html{display:none}
.tk-box .tk-fold:has([open])+.tk-log.widget-html{display:block;box-sizing:border-box;
padding:3px 0;border:1px solid var(--jp-border-color2,rgba(128,128,128,.3));border-radius:6px}
.tk-box:has(.tk-drawer[open]) .tk-output>pre{display:none}
.tk-box .tk-log .taskkit{flex:none;max-width:none;margin:0;padding:0 14px;border:0;
color:var(--jp-ui-font-color2,var(--vscode-editor-foreground,#1f2328))}
"""
"""The rules of `.jp-OutputArea-child` choose between the two outputs of a panel; see `widget`.
Source: JupyterLab 4, packages/outputarea, and jupyterlab_widgets, whose message about a missing
model has no element in it."""

STYLE = f"<style>{CSS}</style>"
