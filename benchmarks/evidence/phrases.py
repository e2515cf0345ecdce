"""The words of the page, in English and Chinese."""

from __future__ import annotations

from steelyard.page.markup import Two

NOISE = {
    "people": Two("Errors that people made", "人为的错误"),
    "by row": Two("Errors that depend on the row", "依赖样本的错误"),
    "by class": Two("Errors that depend on the class", "依赖类别的错误"),
    "uniform": Two("Uniform flips", "均匀翻转"),
    "neighbouring grade": Two("A neighbouring grade", "相邻等级"),
    "one slice": Two("Errors of one source", "来自单一来源的错误"),
    "token": Two("Errors that come with a token", "伴随某个词的错误"),
    "disputed": Two("Rows that raters disputed (need not be wrong)", "评审有分歧的样本（不一定错误）"),
    "clean": Two("Clean labels", "干净标签"),
}
KIND = {
    "much": Two("noise, much to gain", "有噪声，增益大"),
    "between": Two("noise, in between", "有噪声，介于两者之间"),
    "nothing": Two("noise that does no harm", "无害的噪声"),
    "clean": Two("clean", "干净"),
    "tiny": Two("tiny table", "极小的表"),
}
ANSWER = {
    "use_weights": Two("use weights", "使用权重"),
    "prune": Two("prune", "剔除"),
    "relabel_first": Two("relabel first", "先重新标注"),
    "keep_uniform": Two("keep uniform", "保持均匀"),
    "cannot_tell": Two("cannot tell", "无法判断"),
}
END = {
    "most": Two("most suspicious", "最可疑的"),
    "least": Two("least suspicious", "最不可疑的"),
    "random": Two("any", "随机"),
}
SAY = {
    "title": Two("Steelyard: the evidence", "Steelyard：证据"),
    "theme": Two("Light / dark", "明 / 暗"),
    "foot": Two("One static file; it asks nobody for anything. No row of any table is in it.",
                "单个静态文件，不发出任何请求；其中没有任何数据样本。"),
    "nav.targets": Two("Targets", "目标"),
    "nav.finding": Two("Does it find wrong labels?", "能否找出错误标签？"),
    "nav.weighting": Two("Does weighting help?", "加权是否有用？"),
    "nav.verdicts": Two("Is the verdict right?", "结论是否正确？"),
    "nav.limits": Two("What does not work", "哪些不起作用"),
    "nav.again": Two("Do it again", "复现"),
    "lede": Two("The targets stood before the first figure, and are read strictly: where a loss must be ruled out, the "
                "interval decides. What was not reached says so.",
                "目标在第一个数字之前就已写定，并从严解读：要排除损失时以区间为准。未达到的如实标出。"),
    "target": Two("Target", "目标"),
    "targets": Two("Targets and figures", "目标与数字"),
    "figure": Two("Measured", "测得"),
    "held": Two("reached", "达到"),
    "missed": Two("not reached", "未达到"),
    "tables": Two("{n} tables", "{n} 个数据表"),
    "finding.lede": Two(
        "Average precision minus that of the out-of-fold loss, on the same rows and folds; mean over tables with 95% "
        "(Student's, the table is the unit). suspicion is Steelyard's default. The square is the "
        "same score on the wrong rows.",
        "平均精度减去折外损失的平均精度（同样的样本和折）；为各表均值及 95% 区间（以表为单位的 Student 区间）。"
        "suspicion 是 Steelyard 的默认读数；方块是把它的分数打乱后的对照。"),
    "lead.axis": Two("average precision, difference from the out-of-fold loss", "平均精度与折外损失之差"),
    "cost": Two("What a score costs, and what it finds", "读数的成本与效果"),
    "cost.axis": Two("processor time with the training, over one training alone", "处理器时间（含训练）与单次训练之比"),
    "cost.up": Two("average precision", "平均精度"),
    "cost.caption": Two("Errors of people and errors that depend on the row; mean over tables.",
                        "人为错误与依赖样本的错误；各表均值。"),
    "weighting.lede": Two(
        "The share of the oracle's gain over uniform training with early stopping that an arm recovers on unseen "
        "groups: 1 is as good as knowing the truth, 0 as good as doing nothing. Both gains are summed over tables. "
        "Squares are controls.",
        "各方案在未见过的分组上，相对带早停的均匀训练，恢复了 oracle 增益的多少：1 等于知道真值，0 等于什么都不做。"
        "两种增益都先对各表求和。方块为对照。"),
    "recovered.axis": Two("share of the oracle's gain", "占 oracle 增益的比例"),
    "clean.axis": Two("points over uniform with early stopping", "相对带早停均匀训练的百分点"),
    "curves": Two("Training without a part of the rows", "去掉部分样本后训练"),
    "curves.lede": Two("Points over training on all rows, when the most suspicious rows are left out first, the "
                       "least, or any.",
                       "先去掉最可疑、最不可疑或随机样本时，相对使用全部样本的百分点。"),
    "kind": Two("Kind of table", "表的类型"),
    "right": Two("Right:", "正确："),
    "strict": Two("Without allowance, of the kinds much, clean and tiny:", "不作宽限，仅计增益大、干净、极小三类："),
    "acted": Two("Verdicts to act on clean or tiny tables:", "在干净或极小的表上给出行动结论的次数："),
    "wrong": Two("Wrong:", "错误："),
    "verdicts.lede": Two(
        "Which answers are right was said before the runs, by how a table was made and what its oracle gains "
        "(benchmarks/evidence/rules.py). Shaded: the answers asked for.",
        "哪些答案正确在运行前就已规定，取决于表的构造方式及其 oracle 的增益（benchmarks/evidence/rules.py）。"
        "着色处为所要求的答案。"),
    "not.token": Two(
        "Errors that come with a token deceive every score here: held-out models, the training itself and neighbours "
        "all learn the token. On most tables the AUROC lies below 0.5, that of suspicion too.",
        "伴随某个词出现的错误会骗过这里的所有读数：折外模型、训练过程和近邻都学会了这个词。"
        "在大多数表上 AUROC 低于 0.5，suspicion 也不例外。"),
    "not.cheap": Two(
        "What rides on one training (AUM, mean loss, EL2N, forgetting) finds less than the out-of-fold loss on small "
        "models; we think because these learn few rows by heart, so that their training shows little.",
        "依附于一次训练的读数（AUM、平均损失、EL2N、遗忘）在小模型上不如折外损失；"
        "我们认为原因是这类模型很少死记样本，训练过程中可观察的很少。"),
    "not.cost": Two(
        "The default costs about eight trainings of the linear model and sixteen or more of the trees; the target "
        "was two.",
        "默认读数的成本约为线性模型训练的八倍、树模型的十六倍以上，远高于两倍的目标。"),
    "not.weights": Two(
        "Where errors depend on the row, no policy recovers half of what the truth would give; soft labels cost "
        "accuracy on clean tables with many classes. Weights in proportion to the loss or the gradient do "
        "harm everywhere.",
        "当错误依赖样本时，没有任何策略能恢复真值增益的一半；在类别多的干净表上，软标签会损失准确率。"
        "按损失或梯度成比例加权处处有害。"),
    "not.shown": Two(
        "Five-fold cells of 4,000 rows see differences of two to three points; that a policy costs less than "
        "0.2 points on clean labels is not shown by them.",
        "4,000 行、五折的单元只能看出两三个百分点的差异；不足以证明策略在干净标签上的损失小于 0.2 个百分点。"),
    "again.lede": Two("Every figure is made again by:", "每个数字都可以这样重新得到："),
}  # fmt: skip
